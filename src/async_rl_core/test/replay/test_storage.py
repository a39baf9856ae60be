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


def test_a_file_leaves_nothing_and_takes_its_room_at_once(tmp_path: Path, open_files: Callable[[], list[str]]) -> None:
    ring = storage.in_file(tmp_path, 50 * NBYTES, "the store")
    [file] = open_files()
    taken = 512 * os.stat(file).st_blocks  # not what the whole disk has left, of which others take and give back
    assert taken >= 50 * NBYTES
    assert not [*tmp_path.iterdir()]
    ring[:] = np.arange(50 * NBYTES, dtype=np.uint8)
    assert int(ring[-1]) == (50 * NBYTES - 1) % 256
    del ring
    assert not open_files()


def test_a_disk_that_is_too_small_is_refused_with_the_numbers(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"the store needs 1000000\.00 GB, the disk of .* has .* GB left; use a smal"):
        storage.in_file(tmp_path, 10**15, "the store")


def test_a_disk_that_fills_up_meanwhile_is_an_error_and_not_a_signal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10**18))
    with pytest.raises(ConfigError, match=r"the store cannot have 1000000\.00 GB of file in .*; set run_dir"):
        storage.in_file(tmp_path, 10**15, "the store")


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file or directory"):
        storage.in_file(tmp_path / "none", NBYTES, "the store")


def test_the_configuration_chooses(tmp_path: Path) -> None:
    overrides = {"replay.capacity": 1000, "replay.storage": "file"}
    with pytest.raises(ConfigError, match=r"needs a run folder: set run_dir, or replay\.storage: ram"):
        FrameStore.from_config(resolve("laptop", overrides))
    store = FrameStore.from_config(resolve("laptop", {**overrides, "run_dir": str(tmp_path)}))
    assert store.nbytes > 1000 * 80 * 45 * 3
    assert storage.from_config(resolve("laptop", {})) is storage.in_memory
