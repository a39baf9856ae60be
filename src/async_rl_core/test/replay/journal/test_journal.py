import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from async_rl_core.config.load import resolve
from async_rl_core.replay.journal.journal import StepJournal, journal_bytes, last_position, read_entries
from async_rl_core.spec.sizes import StoreSizes

from .journal_steps import NBYTES, SIZES, append, opened, position, read, wait_until


def test_journal_reads_the_appended_steps(tmp_path: Path) -> None:
    folder = tmp_path / "replay"
    assert read(folder) == []
    assert last_position(folder) is None
    with opened(folder, segment_bytes=10 * NBYTES) as journal:
        append(journal, range(95))
    assert read(folder) == [*range(95)]
    assert [entry.position for entry in read_entries(folder, SIZES)] == [position(i) for i in range(95)]
    assert last_position(folder) == position(94)
    assert len([*folder.glob("*.journal")]) == 10
    assert not [*folder.glob("*.part")]


def test_journal_being_written_can_be_read(tmp_path: Path) -> None:
    with opened(tmp_path, segment_bytes=10 * NBYTES) as journal:
        append(journal, range(14))
        wait_until(lambda: journal.durable == 13)
        assert len([*tmp_path.glob("*.part")]) == 1
        assert read(tmp_path) == [*range(14)]
        assert last_position(tmp_path) == position(13)


def test_journal_is_closed_to_other_users(tmp_path: Path) -> None:
    folder = tmp_path / "replay"
    folder.mkdir(mode=0o755)
    with opened(folder, segment_bytes=2 * NBYTES) as journal:
        append(journal, range(3))
        wait_until(lambda: journal.durable == 2)
        assert folder.stat().st_mode & 0o777 == 0o700
        assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o600, 0o600]


def test_journal_opened_again_continues(tmp_path: Path) -> None:
    for start in range(0, 50, 10):
        with opened(tmp_path, durable=start - 1) as journal:
            assert journal.durable == start - 1
            append(journal, range(start, start + 10))
    assert read(tmp_path) == [*range(50)]


def test_journal_removes_segments_that_the_store_forgot(tmp_path: Path) -> None:
    with opened(tmp_path, segment_bytes=10 * NBYTES) as journal:
        for sequence in range(200):
            journal.forget(max(0, sequence - 24))
            append(journal, range(sequence, sequence + 1))
            wait_until(lambda sequence=sequence: journal.durable == sequence)  # type: ignore[misc]
            assert len([*tmp_path.iterdir()]) <= 5
    left = read(tmp_path)
    assert left == [*range(left[0], 200)]
    assert 175 - 20 <= left[0] <= 175


@pytest.mark.parametrize("moment", [0.0, 0.1])
def test_journal_of_a_killed_process_keeps_every_durable_step(tmp_path: Path, moment: float) -> None:
    code = (
        f"import sys; sys.path[:0] = {[str(Path(__file__).parent), *filter(None, sys.path)]!r}\n"
        "from journal_steps import *\n"
        f"journal = Journal(Path({str(tmp_path / 'replay')!r}), SIZES, 0.001, segment_bytes=500 * NBYTES)\n"
        "for i in range(10**9):\n"
        "    append(journal, range(i, i + 1))\n"
        "    if i % 10 == 0: print(journal.durable, flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(moment)
    process.kill()
    durable = max([-1, *map(int, process.stdout.read().split("\n")[:-1])])
    process.wait()
    process.stdout.close()
    left = read(tmp_path / "replay")
    assert left == [*range(len(left))]
    assert len(left) > durable
    with opened(tmp_path / "replay", durable=len(left) - 1) as journal:
        append(journal, range(len(left), len(left) + 5))
    assert read(tmp_path / "replay") == [*range(len(left) + 5)]
    assert not [*(tmp_path / "replay").glob("*.part")]


def test_journal_is_synced_every_sync_period(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = threading.Event()
    monkeypatch.setattr(os, "fdatasync", lambda _: synced.set())
    journal = StepJournal(tmp_path, SIZES, 0.01)
    append(journal, range(1))
    assert synced.wait(30)
    journal.close()


def test_segment_is_synced_before_it_is_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    sync, rename = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        calls.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        sync(descriptor)

    def replace(source: Path, target: Path) -> None:
        calls.append("rename")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    with opened(tmp_path) as journal:
        append(journal, range(3))
    assert calls == ["steps_000000000000000.part", "rename", tmp_path.name]


def test_journal_closed_twice_leaves_no_file_open(tmp_path: Path, open_files: Callable[[], list[str]]) -> None:
    with opened(tmp_path) as journal:
        append(journal, range(3))
        wait_until(lambda: journal.durable == 2)
        assert open_files()
        journal.close()
    assert not open_files()


def test_segment_renamed_after_it_was_listed_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as journal:
        append(journal, range(3))
        wait_until(lambda: journal.durable == 2)
        listed = [*tmp_path.glob("*.part")]
    assert len(listed) == 1 and not listed[0].exists()
    monkeypatch.setattr("async_rl_core.replay.journal.journal._segments", lambda folder: listed)
    assert read(tmp_path) == [0, 1, 2]
    assert last_position(tmp_path) == position(2)


def test_journal_bytes_are_those_of_the_stored_frames() -> None:
    config = resolve("yuan2022_baseline", {})
    frames = StoreSizes.from_config(config).frames * 160 * 90 * 3
    assert frames < journal_bytes(config) < 1.02 * frames
    for end in ({"duration": 40.0}, {"episodes": 10}, {"duration": 1e6, "episodes": 10}):
        assert 1000 * 160 * 90 * 3 < journal_bytes(resolve("yuan2022_baseline", end)) < 0.1e9
