"""The journal of a run with several actors, and journals of the format before actors."""

import struct
import zlib
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest

from async_rl_core.replay.journal.journal import read_steps
from async_rl_core.replay.journal.run_journal import RunJournal, RunJournalReader
from async_rl_core.replay.journal.segment import JournalEntry, JournalError, JournalPosition, encode
from async_rl_core.spec.sizes import StepSizes
from async_rl_core.spec.step import SINGLE_ACTOR, Step

from .journal_steps import SIZES, make_step, wait_until


def of(actor: str, sequence: int) -> Step:
    return replace(make_step(sequence), actor=actor)


def write(folder: Path, steps: list[Step], durable: dict[str, int] | None = None) -> None:
    journal = RunJournal(folder, SIZES, 5.0, durable or {})
    for count, step in enumerate(steps):
        journal.append(step, JournalPosition(step.sequence, step.episode, count, 0))
    journal.close()


def test_run_journal_of_several_actors_reads_their_steps_in_the_order_stored(tmp_path: Path) -> None:
    order = [("left", 0), ("right", 0), ("right", 1), (SINGLE_ACTOR, 0), ("left", 1), ("lab/left", 0), ("right", 2)]
    write(tmp_path, [of(*name) for name in order])
    entries = [*RunJournalReader(tmp_path, SIZES).entries()]
    assert [(entry.step.actor, entry.step.sequence) for entry in entries] == order
    assert [step.sequence for step in read_steps(tmp_path, "right")] == [0, 1, 2]
    for entry in entries:
        np.testing.assert_array_equal(entry.step.frames, make_step(entry.step.sequence).frames)


def test_run_journal_goes_on_behind_each_actors_newest_step(tmp_path: Path) -> None:
    write(tmp_path, [of("left", i) for i in range(3)] + [of("right", 0)])
    durable = {actor: report.newest for actor, report in read_all(tmp_path).reports.items()}
    assert durable == {SINGLE_ACTOR: -1, "left": 2, "right": 0}
    journal = RunJournal(tmp_path, SIZES, 5.0, durable)
    assert [journal.durable(actor) for actor in ("left", "right", "new")] == [2, 0, -1]
    journal.append(of("left", 3), JournalPosition(3, 0, 9, 0))
    wait_until(lambda: journal.durable("left") == 3)
    assert (journal.durable("right"), journal.failed, journal.missing) == (0, "", 0)
    journal.close()
    assert [step.sequence for step in read_steps(tmp_path, "left")] == [0, 1, 2, 3]


def read_all(folder: Path) -> RunJournalReader:
    reader = RunJournalReader(folder, SIZES)
    assert all(entry.step.is_finite for entry in reader.entries())
    return reader


def test_segment_in_another_actors_folder_is_refused(tmp_path: Path) -> None:
    write(tmp_path, [of("left", 0), of("right", 0)])
    (segment,) = (tmp_path / "left").glob("*.journal")
    segment.rename(tmp_path / "right" / "steps_000000000000001.journal")
    with pytest.raises(JournalError, match=r"actor 'left' in the folder of actor 'right'; move it back"):
        read_all(tmp_path)


def version_1(sizes: StepSizes, steps: list[Step]) -> bytes:
    head = struct.pack("<8s5I", b"asyncrls", 1, *astuple(sizes))
    records = [
        encode(JournalEntry(step, JournalPosition(step.sequence, step.episode, i, 0))) for i, step in enumerate(steps)
    ]
    return b"".join([head, struct.pack("<I", zlib.crc32(head)), *(bytes(part) for parts in records for part in parts)])


def test_journal_of_version_1_is_read_as_the_single_actors_and_continued(tmp_path: Path) -> None:
    old = [make_step(i) for i in range(5)]
    (tmp_path / "steps_000000000000000.journal").write_bytes(version_1(SIZES, old))
    write(tmp_path, [make_step(i) for i in range(5, 8)], durable={SINGLE_ACTOR: 4})
    steps = [*read_steps(tmp_path)]
    assert [(step.actor, step.sequence) for step in steps] == [(SINGLE_ACTOR, i) for i in range(8)]
    for step in steps:
        np.testing.assert_array_equal(step.frames, make_step(step.sequence).frames)


def test_journal_of_a_newer_version_is_refused_with_one_sentence(tmp_path: Path) -> None:
    head = struct.pack("<8s5I", b"asyncrls", 3, *astuple(SIZES))
    content = head + struct.pack("<I", zlib.crc32(head)) + bytes(100)
    (tmp_path / "steps_000000000000000.journal").write_bytes(content)
    with pytest.raises(JournalError, match="has format version 3, this async_rl reads 1 to 2; use the async_rl that"):
        read_all(tmp_path)


def test_journal_without_camera_holds_no_frame_bytes(tmp_path: Path) -> None:
    sizes = StepSizes(0, 0, SIZES.state, SIZES.action)
    steps = [replace(make_step(i), frames=np.empty((0, 0, 0, 3), np.uint8)) for i in range(100)]
    journal = RunJournal(tmp_path, sizes, 5.0, {})
    for step in steps:
        journal.append(step, JournalPosition(step.sequence, step.episode, step.sequence, 0))
    journal.close()
    (segment,) = tmp_path.glob("*.journal")
    assert segment.stat().st_size < 100 * (64 + 4 * (SIZES.state + SIZES.action)) + 200
    back = [*read_steps(tmp_path)]
    assert [step.sequence for step in back] == [*range(100)]
    assert {step.frames.shape for step in back} == {(0, 0, 0, 3)}
