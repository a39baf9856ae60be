import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from async_rl_core.config.load import resolve
from async_rl_core.errors import ConfigError
from async_rl_core.replay import storage
from async_rl_core.replay.store import FrameStore

NBYTES = 1_000_003


def test_file_storage_reserves_its_blocks_and_leaves_no_file(
    tmp_path: Path, open_files: Callable[[], list[str]]
) -> None:
    ring = storage.in_file(tmp_path, 50 * NBYTES, "the store")
    [file] = open_files()
    taken = 512 * os.stat(file).st_blocks  # not what the whole disk has left, of which others take and give back
    assert taken >= 50 * NBYTES
    assert not [*tmp_path.iterdir()]
    ring[:] = np.arange(50 * NBYTES, dtype=np.uint8)
    assert int(ring[-1]) == (50 * NBYTES - 1) % 256
    del ring
    assert not open_files()


def test_file_storage_larger_than_the_disk_is_refused_with_the_numbers(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"the store needs 1000000\.00 GB, the disk of .* has .* GB left; use a smal"):
        storage.in_file(tmp_path, 10**15, "the store")


def test_file_storage_on_a_disk_that_fills_up_raises_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10**18))
    with pytest.raises(ConfigError, match=r"the store cannot have 1000000\.00 GB of file in .*; set run_dir"):
        storage.in_file(tmp_path, 10**15, "the store")


def test_file_storage_without_its_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file or directory"):
        storage.in_file(tmp_path / "none", NBYTES, "the store")


def test_storage_from_config_is_the_configured_one(tmp_path: Path) -> None:
    overrides = {"replay.capacity": 1000, "replay.storage": "file"}
    with pytest.raises(ConfigError, match=r"needs a run folder: set run_dir, or replay\.storage: ram"):
        FrameStore.from_config(resolve("laptop", overrides))
    store = FrameStore.from_config(resolve("laptop", {**overrides, "run_dir": str(tmp_path)}))
    assert store.nbytes > 1000 * 80 * 45 * 3
    assert storage.from_config(resolve("laptop", {})) is storage.in_memory
