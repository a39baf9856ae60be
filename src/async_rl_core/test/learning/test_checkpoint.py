from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from async_rl_core.algorithms.sac.sac import SAC
from async_rl_core.learning.checkpoint import LearnerSnapshot, load_policy, restore
from async_rl_core.learning.checkpoint_file import CheckpointError, read_checkpoint
from async_rl_core.spec.batch import Batch
from async_rl_core.spec.observation import ObservationSpec

from ..algorithms.small import Small

Batches = Callable[..., Batch]


def save(path: Path, sac: SAC, env_steps: int = 0) -> Path:
    capture = LearnerSnapshot(sac)
    capture.take(env_steps)
    capture.write(path)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "c.safetensors"


@pytest.mark.parametrize("changes", [{}, {"layer_norm": True}, {"encoder_tau": 1.0}, {"precision": "bf16"}])
def test_restore_continues_a_learner_bit_for_bit(
    path: Path, spec: ObservationSpec, small: Small, make_batch: Batches, changes: dict[str, object]
) -> None:
    sac, other = (small.sac(**changes, seed=seed) for seed in (1, 2))
    for i in range(4):
        sac.update(make_batch(i))
    stored = read_checkpoint(save(path, sac, env_steps=1234))
    restore(other, stored, path)
    assert (stored.env_steps, other.updates) == (1234, 4)
    for i in range(4, 8):
        assert sac.update(make_batch(i)) == other.update(make_batch(i))
    np.testing.assert_array_equal(sac.policy_parameters(), other.policy_parameters())


def test_snapshot_does_not_change_with_the_learner(
    path: Path, spec: ObservationSpec, small: Small, make_batch: Batches
) -> None:
    sac, other = (small.sac(seed=seed) for seed in (1, 2))
    sac.update(make_batch(0))
    capture = LearnerSnapshot(sac)
    capture.take(env_steps=10)
    then = sac.policy_parameters().copy()
    sac.update(make_batch(1))
    capture.write(path)
    restore(other, read_checkpoint(path), path)
    assert other.updates == 1
    np.testing.assert_array_equal(other.policy_parameters(), then)


def test_restore_of_a_learner_without_updates_gives_its_policy(path: Path, spec: ObservationSpec, small: Small) -> None:
    sac, other = (small.sac(seed=seed) for seed in (1, 2))
    restore(other, read_checkpoint(save(path, sac)), path)
    np.testing.assert_array_equal(sac.policy_parameters(), other.policy_parameters())


def test_load_policy_gives_the_learners_policy(
    path: Path, spec: ObservationSpec, small: Small, make_batch: Batches
) -> None:
    sac = small.sac(seed=1)
    sac.update(make_batch(0))
    same, loaded = (small.policy(seed=2) for _ in range(2))
    same.load(sac.policy_parameters())
    assert load_policy(save(path, sac, env_steps=70), loaded, "sac") == (1, 70)
    observation = make_batch(3).observation_images[0], make_batch(3).observation_state[0]
    np.testing.assert_array_equal(
        loaded.act(*observation, deterministic=True), same.act(*observation, deterministic=True)
    )


def test_restore_of_other_shapes_names_the_difference_and_changes_nothing(
    path: Path, spec: ObservationSpec, small: Small
) -> None:
    save(path, small.sac(seed=1))
    other = small.sac(hidden_sizes=(16, 8), seed=2)
    before = other.policy_parameters().copy()
    with pytest.raises(CheckpointError, match=r"another network: actor\.trunk\.2\.bias is \[16\] there and \[8\] here"):
        restore(other, read_checkpoint(path), path)
    np.testing.assert_array_equal(other.policy_parameters(), before)


def test_restore_of_another_devices_random_state_seeds_the_generator(
    path: Path, spec: ObservationSpec, small: Small
) -> None:
    sac, other = (small.sac(seed=1) for _ in range(2))
    stored = read_checkpoint(save(path, sac))
    stored.arrays["random_state"] = np.zeros(16, np.uint8)  # a CUDA generator's
    before = other.generator.get_state()
    restore(other, stored, path)
    assert not torch.equal(other.generator.get_state(), before)
    np.testing.assert_array_equal(sac.policy_parameters(), other.policy_parameters())
