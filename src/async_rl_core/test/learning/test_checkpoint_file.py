import errno
import os
import stat
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from async_rl_core.learning import checkpoint_file
from async_rl_core.learning.checkpoint_file import (
    Arrays,
    CheckpointError,
    DamagedCheckpointError,
    name_of,
    newest_first,
    newest_whole,
    read_checkpoint,
    write_checkpoint,
)


def arrays(seed: int = 0) -> Arrays:
    rng = np.random.default_rng(seed)
    return {
        "weight": rng.normal(size=(4, 3, 3)).astype(np.float32),
        "step": np.float32(7).reshape(()),
        "random_state": rng.integers(0, 256, 101).astype(np.uint8),
    }


def write(path: Path, updates: int = 3, seed: int = 0) -> Path:
    write_checkpoint(path, {"updates": updates, "env_steps": 10 * updates}, arrays(seed))
    return path


def test_read_checkpoint_returns_the_written_content(tmp_path: Path) -> None:
    stored = read_checkpoint(write(tmp_path / "c.safetensors"))
    assert (stored.updates, stored.env_steps) == (3, 30)
    assert stored.arrays.keys() == arrays().keys()
    for name, array in arrays().items():
        np.testing.assert_array_equal(stored.arrays[name], array)
        assert stored.arrays[name].dtype == array.dtype


def test_write_checkpoint_is_readable_by_safetensors(tmp_path: Path) -> None:
    with safe_open(write(tmp_path / "c.safetensors"), "pt") as file:
        assert set(file.keys()) == set(arrays())
        np.testing.assert_array_equal(file.get_tensor("weight").numpy(), arrays()["weight"])


def test_write_checkpoint_lets_only_its_user_read(tmp_path: Path) -> None:
    assert stat.S_IMODE(write(tmp_path / "c.safetensors").stat().st_mode) == 0o600


def test_read_checkpoint_with_a_flipped_bit_is_damaged(tmp_path: Path) -> None:
    path = write(tmp_path / "c.safetensors")
    data = path.read_bytes()
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        with pytest.raises(DamagedCheckpointError, match=r"c\.safetensors is damaged"):
            read_checkpoint(path)


def test_read_checkpoint_cut_short_is_damaged(tmp_path: Path) -> None:
    path = write(tmp_path / "c.safetensors")
    data = path.read_bytes()
    for length in range(0, len(data), 13):
        path.write_bytes(data[:length])
        with pytest.raises(DamagedCheckpointError, match="is damaged"):
            read_checkpoint(path)


def test_read_checkpoint_missing_or_of_another_version_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CheckpointError, match=r"no\.safetensors does not exist"):
        read_checkpoint(tmp_path / "no.safetensors")
    path = write(tmp_path / "c.safetensors")
    monkeypatch.setattr(checkpoint_file, "VERSION", 9)
    with pytest.raises(CheckpointError, match="has format version 2, this async_rl reads 1 and 9"):
        read_checkpoint(path)


def test_write_checkpoint_that_fails_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "c.safetensors")
    old = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device"):
        write(path, updates=4)
    assert path.read_bytes() == old and list(tmp_path.iterdir()) == [path]


def test_newest_whole_skips_damaged_checkpoints(tmp_path: Path) -> None:
    said: list[str] = []
    assert newest_whole(tmp_path / "nowhere", said.append) is None
    paths = [write(tmp_path / name_of(updates), updates) for updates in (5, 40, 300)]
    assert newest_first(tmp_path) == paths[::-1]
    paths[2].write_bytes(paths[2].read_bytes()[:-1])
    found = newest_whole(tmp_path, said.append)
    assert found is not None
    assert (found[0], found[1].updates) == (paths[1], 40)
    assert len(said) == 1 and paths[2].name in said[0]
    for path in paths:
        path.write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"every checkpoint in .* is damaged; remove them"):
        newest_whole(tmp_path, said.append)
