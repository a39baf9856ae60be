import contextlib
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from async_rl_core.config.load import resolve
from async_rl_core.replay.journal import Journal, journal_bytes, last_position, read_entries, read_steps
from async_rl_core.replay.segment import JournalError, Position, record_bytes
from async_rl_core.replay.sizes import StepSizes, StoreSizes
from async_rl_core.replay.step import Step

SIZES = StepSizes(height=6, width=10, proprioception=4, action=2)
NBYTES = record_bytes(SIZES, 1)


def make_step(sequence: int) -> Step:
    """A step whose every value tells its number."""
    frames = np.full((1, SIZES.height, SIZES.width, 3), sequence % 251, np.uint8)
    vectors = np.full(SIZES.proprioception, sequence, np.float32), np.full(SIZES.action, -sequence, np.float32)
    return Step(sequence, sequence // 7, sequence % 7, frames, *vectors, sequence / 2, sequence % 3 == 0)


def check(step: Step) -> int:
    """That a step is what it was; its number."""
    expected = make_step(step.sequence)
    assert (step.episode, step.index, step.reward, step.terminal) == (
        expected.episode,
        expected.index,
        expected.reward,
        expected.terminal,
    )
    for name in ("frames", "proprioception", "action"):
        np.testing.assert_array_equal(getattr(step, name), getattr(expected, name))
    return step.sequence


def position(sequence: int) -> Position:
    return Position(sequence, sequence // 7, 10 * sequence, 3 * sequence)


def append(journal: Journal, sequences: range) -> None:
    for sequence in sequences:
        journal.append(make_step(sequence), position(sequence))


def read(folder: Path) -> list[int]:
    return [check(step) for step in read_steps(folder)]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@contextlib.contextmanager
def opened(folder: Path, settled: int = -1, **limits: int) -> Iterator[Journal]:
    journal = Journal(folder, SIZES, 5.0, settled, **limits)
    yield journal
    journal.close()
    journal._thread.join(60)  # `close` gives up on a slow disk, which is not what is tested here


@contextlib.contextmanager
def held_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A disk that takes nothing meanwhile."""
    free = threading.Event()
    write = os.writev

    def wait(descriptor: int, parts: list[bytes]) -> int:
        free.wait(30)
        return write(descriptor, parts)

    monkeypatch.setattr(os, "writev", wait)
    yield
    free.set()


def test_what_was_appended_is_read(tmp_path: Path) -> None:
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


def test_it_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    with opened(tmp_path, segment_bytes=10 * NBYTES) as journal:
        append(journal, range(14))
        wait_until(lambda: journal.settled == 13)
        assert len([*tmp_path.glob("*.part")]) == 1
        assert read(tmp_path) == [*range(14)]
        assert last_position(tmp_path) == position(13)


def test_others_may_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "replay"
    folder.mkdir(mode=0o755)
    with opened(folder, segment_bytes=2 * NBYTES) as journal:
        append(journal, range(3))
        wait_until(lambda: journal.settled == 2)
        assert folder.stat().st_mode & 0o777 == 0o700
        assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o600, 0o600]


def test_it_goes_on_where_it_was(tmp_path: Path) -> None:
    for start in range(0, 50, 10):
        with opened(tmp_path, settled=start - 1) as journal:
            assert journal.settled == start - 1
            append(journal, range(start, start + 10))
    assert read(tmp_path) == [*range(50)]


def test_what_the_store_forgot_is_removed(tmp_path: Path) -> None:
    with opened(tmp_path, segment_bytes=10 * NBYTES) as journal:
        for sequence in range(200):
            journal.forget(max(0, sequence - 24))
            append(journal, range(sequence, sequence + 1))
            wait_until(lambda sequence=sequence: journal.settled == sequence)  # type: ignore[misc]
            assert len([*tmp_path.iterdir()]) <= 5
    left = read(tmp_path)
    assert left == [*range(left[0], 200)]
    assert 175 - 20 <= left[0] <= 175


@pytest.mark.parametrize("moment", [0.0, 0.1])
def test_a_killed_process_leaves_all_that_was_written(tmp_path: Path, moment: float) -> None:
    code = (
        f"import sys; sys.path[:0] = {[str(Path(__file__).parent), *filter(None, sys.path)]!r}\n"
        "from test_journal import *\n"
        f"journal = Journal(Path({str(tmp_path / 'replay')!r}), SIZES, 0.001, segment_bytes=500 * NBYTES)\n"
        "for i in range(10**9):\n"
        "    append(journal, range(i, i + 1))\n"
        "    if i % 10 == 0: print(journal.settled, flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(moment)
    process.kill()
    settled = max([-1, *map(int, process.stdout.read().split("\n")[:-1])])
    process.wait()
    process.stdout.close()
    left = read(tmp_path / "replay")
    assert left == [*range(len(left))]
    assert len(left) > settled
    with opened(tmp_path / "replay", settled=len(left) - 1) as journal:
        append(journal, range(len(left), len(left) + 5))
    assert read(tmp_path / "replay") == [*range(len(left) + 5)]
    assert not [*(tmp_path / "replay").glob("*.part")]


@pytest.fixture(scope="module")
def five_segments(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A journal of five segments of four steps."""
    folder = tmp_path_factory.mktemp("journal")
    with opened(folder, segment_bytes=4 * NBYTES) as journal:
        append(journal, range(20))
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@settings(max_examples=100)
@given(damage=st.dictionaries(st.integers(0, 4), st.tuples(st.floats(0, 1), st.integers(0, 8)), min_size=1))
def test_no_damage_yields_a_wrong_step(
    tmp_path_factory: pytest.TempPathFactory, five_segments: dict[str, bytes], damage: dict[int, tuple[float, int]]
) -> None:
    """Some segments are cut off, or have a bit flipped."""
    folder = tmp_path_factory.mktemp("damaged")
    for segment, (name, data) in enumerate(five_segments.items()):
        if segment in damage:
            share, bit = damage[segment]
            at = min(int(share * len(data)), len(data) - 1)
            data = data[:at] if bit == 8 else data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
        (folder / name).write_bytes(data)
    left = read(folder)
    for segment in range(5):
        of_it = [i for i in left if i // 4 == segment]
        assert len(of_it) < 4 if segment in damage else len(of_it) == 4
        assert of_it == [*range(4 * segment, 4 * segment + len(of_it))]
    newest = last_position(folder)
    assert (newest.sequence if newest else None) == (left[-1] if left else None)


def test_a_disk_that_is_full_is_said_and_harms_nothing_else(tmp_path: Path) -> None:
    """As near as a test comes to a full disk: files may not grow beyond a limit, and the last write is cut short."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20 * NBYTES, before[1]))
    try:
        with opened(tmp_path) as journal:
            append(journal, range(50))
            wait_until(lambda: bool(journal.failed))
            assert journal.failed == f"replay journal {tmp_path}: File too large; steps from 19 on are not kept"
            append(journal, range(50, 60))
            assert journal.settled == 59, "nobody should keep steps for a journal that will not take them"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert read(tmp_path) == [*range(19)]
    with opened(tmp_path, settled=18) as journal:
        append(journal, range(60, 70))
    assert read(tmp_path) == [*range(19), *range(60, 70)]


def test_a_folder_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "replay").write_text("")
    for folder in (tmp_path / "replay", tmp_path / "none" / "replay"):
        with opened(folder) as journal:
            wait_until(lambda journal=journal: bool(journal.failed))  # type: ignore[misc]
            assert journal.failed.startswith(f"replay journal {folder}: ")
            append(journal, range(3))
            assert journal.settled == 2
    with pytest.raises(JournalError, match=r"cannot be read: Not a directory; .* move the folder away"):
        read(tmp_path / "replay")


def test_a_disk_that_lags_leaves_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path, pending_bytes=10 * NBYTES) as journal:
        append(journal, range(3))
        wait_until(lambda: journal.settled == 2)
        with held_disk(monkeypatch):
            append(journal, range(3, 53))
            assert (journal.missing, journal.settled) == (40, 2)
        wait_until(lambda: journal.settled == 12)
        append(journal, range(53, 60))
    assert read(tmp_path) == [*range(13), *range(53, 60)]
    assert not journal.failed


def test_appending_never_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as journal, held_disk(monkeypatch):
        append(journal, range(1000))  # would not return
        assert journal.settled == -1


def test_it_is_synced_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = threading.Event()
    monkeypatch.setattr(os, "fdatasync", lambda _: synced.set())
    journal = Journal(tmp_path, SIZES, 0.01)
    append(journal, range(1))
    assert synced.wait(30)
    journal.close()


def test_a_file_is_on_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_closing_twice_and_leaving_nothing_open(tmp_path: Path, open_files: Callable[[], list[str]]) -> None:
    with opened(tmp_path) as journal:
        append(journal, range(3))
        wait_until(lambda: journal.settled == 2)
        assert open_files()
        journal.close()
    assert not open_files()


def test_a_segment_that_is_sealed_once_it_was_listed_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as journal:
        append(journal, range(3))
        wait_until(lambda: journal.settled == 2)
        listed = [*tmp_path.glob("*.part")]
    assert len(listed) == 1 and not listed[0].exists()
    monkeypatch.setattr("async_rl_core.replay.journal._segments", lambda folder: listed)
    assert read(tmp_path) == [0, 1, 2]
    assert last_position(tmp_path) == position(2)


def test_disk_space_is_that_of_the_stored_frames() -> None:
    config = resolve("paper_baseline", {})
    frames = StoreSizes.of(config).frames * 160 * 90 * 3
    assert frames < journal_bytes(config) < 1.02 * frames
    for end in ({"duration": 40.0}, {"episodes": 10}, {"duration": 1e6, "episodes": 10}):
        assert 1000 * 160 * 90 * 3 < journal_bytes(resolve("paper_baseline", end)) < 0.1e9
