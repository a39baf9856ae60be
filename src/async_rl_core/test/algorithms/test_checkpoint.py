import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from async_rl_core.algorithms.checkpoint import (
    CheckpointError,
    CheckpointFolder,
    load_checkpoint,
    newest_checkpoint,
    save_checkpoint,
)
from async_rl_core.algorithms.sac import SAC
from async_rl_core.algorithms.spec import ObservationSpec
from async_rl_core.config.schema import SACConfig
from async_rl_core.replay.batch import Batch

Configs = Callable[..., SACConfig]
Batches = Callable[..., Batch]


@pytest.fixture
def sac(spec: ObservationSpec, sac_config: Configs, make_batch: Batches) -> SAC:
    """A learner after three updates."""
    sac = SAC(sac_config(), spec, 2, seed=1)
    for i in range(3):
        sac.update(make_batch(i))
    return sac


@pytest.mark.parametrize("changes", [{}, {"layer_norm": True}, {"encoder_tau": 1.0}, {"precision": "bf16"}])
def test_a_learner_goes_on_bit_for_bit(
    tmp_path: Path, spec: ObservationSpec, sac_config: Configs, make_batch: Batches, changes: dict[str, object]
) -> None:
    sac, other = (SAC(sac_config(**changes), spec, 2, seed=seed) for seed in (1, 2))
    for i in range(4):
        sac.update(make_batch(i))
    save_checkpoint(tmp_path / "c.safetensors", sac, env_steps=1234)
    assert load_checkpoint(tmp_path / "c.safetensors", other) == 1234
    assert other.updates == 4
    for i in range(4, 8):
        assert sac.update(make_batch(i)) == other.update(make_batch(i))
    np.testing.assert_array_equal(sac.policy_parameters(), other.policy_parameters())


def test_a_learner_that_never_updated_is_a_checkpoint_too(
    tmp_path: Path, spec: ObservationSpec, sac_config: Configs
) -> None:
    sac, other = (SAC(sac_config(), spec, 2, seed=seed) for seed in (1, 2))
    save_checkpoint(tmp_path / "c.safetensors", sac, env_steps=0)
    load_checkpoint(tmp_path / "c.safetensors", other)
    np.testing.assert_array_equal(sac.policy_parameters(), other.policy_parameters())


def test_every_flipped_bit_is_detected(tmp_path: Path, sac: SAC, spec: ObservationSpec, sac_config: Configs) -> None:
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, sac, env_steps=1)
    data, rng = path.read_bytes(), np.random.default_rng(0)
    other = SAC(sac_config(), spec, 2, seed=2)
    before = other.policy_parameters().copy()
    for position in [*range(0, 300, 7), *rng.integers(0, len(data), 60)]:
        damaged = bytearray(data)
        damaged[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match=r"c\.safetensors"):
            load_checkpoint(path, other)
    np.testing.assert_array_equal(other.policy_parameters(), before)


@pytest.mark.parametrize("length", [0, 5, 100, 3000])
def test_a_file_cut_short_is_damaged(tmp_path: Path, sac: SAC, length: int) -> None:
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, sac, env_steps=1)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(CheckpointError, match="is damaged"):
        load_checkpoint(path, sac)


def test_a_missing_file_is_named(tmp_path: Path, sac: SAC) -> None:
    with pytest.raises(CheckpointError, match=r"no\.safetensors does not exist"):
        load_checkpoint(tmp_path / "no.safetensors", sac)


def test_a_checkpoint_of_other_shapes_names_the_difference(
    tmp_path: Path, sac: SAC, spec: ObservationSpec, sac_config: Configs
) -> None:
    save_checkpoint(tmp_path / "c.safetensors", sac, env_steps=1)
    other = SAC(sac_config(hidden_sizes=(16, 8)), spec, 2, seed=1)
    with pytest.raises(CheckpointError, match=r"another network: actor\.trunk\.2\.bias is \[16\] there and \[8\] here"):
        load_checkpoint(tmp_path / "c.safetensors", other)


def test_the_folder_keeps_the_newest_two(tmp_path: Path, sac: SAC, make_batch: Batches) -> None:
    folder = CheckpointFolder(tmp_path / "checkpoints")
    assert newest_checkpoint(folder.folder) is None
    paths = []
    for i in range(4):
        sac.update(make_batch(i))
        paths.append(folder.save(sac, env_steps=i))
    assert sorted(folder.folder.iterdir()) == paths[-2:]
    assert newest_checkpoint(folder.folder) == paths[-1]


def test_a_failing_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, sac: SAC, make_batch: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, sac, env_steps=1)
    old = path.read_bytes()
    sac.update(make_batch(9))

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match=r"c\.safetensors cannot be written: No space left on device"):
        save_checkpoint(path, sac, env_steps=2)
    assert path.read_bytes() == old and list(tmp_path.iterdir()) == [path]
