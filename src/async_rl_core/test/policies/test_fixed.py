"""A checkpoint's policy, as it is evaluated."""

from pathlib import Path

import numpy as np
import pytest

from async_rl_core.algorithms.base import Algorithm
from async_rl_core.algorithms.registry import make_algorithm, make_policy
from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.learning.checkpoint import LearnerSnapshot
from async_rl_core.learning.checkpoint_file import CheckpointError, DamagedCheckpointError, name_of
from async_rl_core.policies.fixed import FixedPolicy, newest_policy
from async_rl_core.spec.observation import ObservationSpec


def small(**changes: object) -> Config:
    return resolve("laptop", {"sac.hidden_sizes": [8], "learning.batch_size": 2} | changes)


def save(config: Config, folder: Path, updates: int) -> Algorithm:
    """A checkpoint of a learner of its own seed."""
    sac = make_algorithm(config.model_copy(update={"seed": updates}), "cpu")
    sac.updates = updates
    capture = LearnerSnapshot(sac)
    capture.take(env_steps=3 * updates)
    folder.mkdir(exist_ok=True)
    capture.write(folder / name_of(updates))
    return sac


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_fixed_policy_is_the_learners_without_noise(tmp_path: Path, precision: str) -> None:
    config = small(**{"learning.precision": precision})
    sac = save(config, tmp_path, updates=7)
    fixed = FixedPolicy(config, tmp_path / name_of(7))
    assert (fixed.updates, fixed.env_steps) == (7, 21)
    spec, rng = ObservationSpec.from_config(config), np.random.default_rng(0)
    policy = make_policy(config.model_copy(update={"seed": 99}))
    policy.load(np.array(sac.policy_parameters()))
    images = rng.integers(0, 256, (spec.image.height, spec.image.width, spec.image.channels), dtype=np.uint8)
    state = rng.normal(size=spec.state_size).astype(np.float32)
    first = fixed.act(images, state).copy()
    np.testing.assert_array_equal(first, policy.act(images, state, deterministic=True))
    np.testing.assert_array_equal(first, fixed.act(images, state))


def test_newest_policy_skips_damaged_checkpoints(tmp_path: Path) -> None:
    config, folder = small(), tmp_path / "checkpoints"
    warnings: list[str] = []
    for updates in (5, 50, 500):
        save(config, folder, updates)
    assert newest_policy(config, tmp_path, warnings.append).updates == 500
    assert not warnings
    newest = folder / name_of(500)
    newest.write_bytes(newest.read_bytes()[:-1])
    assert newest_policy(config, tmp_path, warnings.append).updates == 50
    assert len(warnings) == 1 and str(newest) in warnings[0]


def test_newest_policy_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="has no checkpoint"):
        newest_policy(small(), tmp_path, print)


def test_newest_policy_of_other_networks_is_refused(tmp_path: Path) -> None:
    save(small(), tmp_path / "checkpoints", 5)
    save(small(**{"sac.hidden_sizes": [9]}), tmp_path / "checkpoints", 6)
    with pytest.raises(CheckpointError, match="of another network") as caught:
        newest_policy(small(), tmp_path, print)
    assert not isinstance(caught.value, DamagedCheckpointError)
