import errno
import os
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from async_rl_core.algorithms.sac.sac import SAC
from async_rl_core.learning.checkpoint_file import CheckpointError, name_of, newest_first, read_checkpoint
from async_rl_core.learning.checkpoint_folder import RETRY_PERIOD, CheckpointFolder
from async_rl_core.spec.batch import Batch
from async_rl_core.spec.observation import ObservationSpec

from ..algorithms.small import Small

PERIOD = 60.0

Batches = Callable[..., Batch]


class Bench:
    """A learner with a folder, and the clock that it goes by."""

    def __init__(self, path: Path, sac: SAC, make_batch: Batches) -> None:
        self.path, self.sac, self._make_batch = path, sac, make_batch
        self.now = 0.0
        self.folder = CheckpointFolder(path, sac, PERIOD, lambda: self.now)

    def learn(self, updates: int = 1) -> None:
        for _ in range(updates):
            self.sac.update(self._make_batch(self.sac.updates))

    def save(self) -> None:
        """A checkpoint after another update, written."""
        self.learn()
        self.now += PERIOD
        self.folder.save_when_due(10 * self.sac.updates)
        self.folder._wait()

    @property
    def stored(self) -> list[int]:
        return [read_checkpoint(path).updates for path in newest_first(self.path)]


@pytest.fixture
def make_bench(tmp_path: Path, spec: ObservationSpec, small: Small, make_batch: Batches) -> Callable[..., Bench]:
    return lambda seed=1: Bench(tmp_path / "run" / "checkpoints", small.sac(seed=seed), make_batch)


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()


def test_save_when_due_saves_only_a_changed_learner(bench: Bench) -> None:
    assert stat.S_IMODE(bench.path.stat().st_mode) == 0o700
    bench.now = PERIOD
    bench.folder.save_when_due(0)
    assert bench.stored == []  # nothing was learned
    bench.learn(2)
    bench.folder.save_when_due(20)
    bench.folder._wait()
    assert bench.stored == []  # the period has just begun
    bench.now = 2 * PERIOD
    bench.folder.save_when_due(20)
    bench.folder._wait()
    assert bench.stored == [2]


def test_checkpoint_folder_keeps_the_newest_two(bench: Bench) -> None:
    for _ in range(4):
        bench.save()
    assert bench.stored == [4, 3]
    assert len(list(bench.path.iterdir())) == 2


def test_close_saves_the_last_state_once(bench: Bench) -> None:
    bench.learn(3)
    bench.folder.close(30)
    assert bench.stored == [3]
    written = bench.path.joinpath(name_of(3)).stat().st_mtime_ns
    bench.folder.close(30)
    assert bench.path.joinpath(name_of(3)).stat().st_mtime_ns == written


def test_restore_takes_the_newest_checkpoint(bench: Bench, make_bench: Callable[..., Bench]) -> None:
    assert bench.folder.restore(pytest.fail) == 0
    bench.save()
    bench.save()
    other = make_bench(seed=2)
    assert other.folder.restore(pytest.fail) == 20
    assert other.sac.updates == 2
    np.testing.assert_array_equal(other.sac.policy_parameters(), bench.sac.policy_parameters())
    other.now = PERIOD
    other.folder.save_when_due(20)
    other.folder.close(20)
    assert bench.stored == [2, 1]  # nothing new, nothing written


def test_restore_with_a_damaged_checkpoint_takes_the_one_before(bench: Bench, make_bench: Callable[..., Bench]) -> None:
    bench.save()
    bench.save()
    newest = bench.path / name_of(2)
    newest.write_bytes(newest.read_bytes()[:-1])
    warnings: list[str] = []
    other = make_bench(seed=2)
    assert other.folder.restore(warnings.append) == 10
    assert other.sac.updates == 1
    assert len(warnings) == 1 and name_of(2) in warnings[0]
    assert sorted(path.name for path in bench.path.iterdir()) == [name_of(1), f"{name_of(2)}.damaged"]
    for _ in range(3):
        other.save()
    assert other.stored == [4, 3]


def test_restore_with_only_damaged_checkpoints_raises(bench: Bench, make_bench: Callable[..., Bench]) -> None:
    bench.save()
    bench.path.joinpath(name_of(1)).write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"every checkpoint in .* is damaged"):
        make_bench().folder.restore(lambda _: None)


def test_checkpoint_folder_removes_files_of_a_killed_writer(bench: Bench, make_bench: Callable[..., Bench]) -> None:
    bench.save()
    (bench.path / f".{name_of(2)}.ab12").write_bytes(b"half")
    make_bench()
    assert [path.name for path in bench.path.iterdir()] == [name_of(1)]


def test_save_on_a_full_disk_is_reported_and_tried_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.save()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        bench.save()
        assert f"{name_of(2)} cannot be written: No space left on device" in bench.folder.failed
    assert bench.stored == [1]
    bench.folder.close(20)
    assert bench.folder.failed == ""
    assert bench.stored == [2, 1]


def test_checkpoint_after_a_full_disk_is_tried_again_before_the_period(
    bench: Bench, full_disk: Callable[[], AbstractContextManager[None]]
) -> None:
    bench.learn(1)
    bench.now = PERIOD
    with full_disk():
        bench.folder.save_when_due(10)
        bench.folder._wait()
    assert "File too large; the run goes on" in bench.folder.failed
    for bench.now in (PERIOD + 0.1, PERIOD + 0.2 + RETRY_PERIOD):
        bench.folder.save_when_due(10)
        bench.folder._wait()
    assert (bench.folder.failed, bench.stored) == ("", [1])


def test_checkpoint_folder_that_cannot_be_made_is_named(tmp_path: Path, make_bench: Callable[..., Bench]) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(CheckpointError, match="checkpoints cannot be used: Not a directory"):
        make_bench()
