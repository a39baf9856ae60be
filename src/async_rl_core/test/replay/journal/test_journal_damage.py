"""Damage in a journal: it is told, set aside, and costs no more than it hit."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from async_rl_core.replay.journal.journal import extent, last_position, read_entries
from async_rl_core.replay.journal.repair import check as check_journal
from async_rl_core.replay.journal.repair import repair
from async_rl_core.replay.journal.report import JournalReport
from async_rl_core.replay.journal.segment import file_header

from .journal_steps import NBYTES, SIZES, append, check, make_step, opened, position, read


@pytest.fixture(scope="module")
def five_segments(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A journal of five segments of four steps."""
    folder = tmp_path_factory.mktemp("journal")
    with opened(folder, segment_bytes=4 * NBYTES) as journal:
        append(journal, range(20))
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@settings(max_examples=100)
@given(damage=st.dictionaries(st.integers(0, 4), st.tuples(st.floats(0, 1), st.integers(0, 8)), min_size=1))
def test_journal_with_any_damage_yields_no_wrong_step(
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
    report = JournalReport()
    left = [check(entry.step) for entry in read_entries(folder, SIZES, report)]
    assert left == sorted(set(left))
    for segment in range(5):
        of_it = {i for i in left if i // 4 == segment}
        lost = set(range(4 * segment, 4 * segment + 4)) - of_it
        is_cut = segment in damage and damage[segment][1] == 8
        assert lost or not is_cut
        assert len(lost) <= (0 if segment not in damage else 4 if is_cut else 1)
        if segment in damage and not is_cut:  # a flipped bit is told, be it in a header that can be done without
            assert [path for path in report.damaged if int(path.stem.split("_")[1]) == 4 * segment]
    newest, _ = extent(folder, SIZES)
    assert (newest.sequence if newest else None) == (left[-1] if left else None)
    if len(damage) < 5:  # a whole header states the sizes
        assert last_position(folder) == newest


def damage_a_bit(path: Path, record: int) -> bytes:
    """Flips a bit of a pixel of a record; returns the file as it is then."""
    data = bytearray(path.read_bytes())
    data[len(file_header(SIZES)) + (record + 1) * NBYTES - 7] ^= 1
    path.write_bytes(data)
    return bytes(data)


def resumed(folder: Path) -> tuple[list[int], list[str]]:
    """Returns the steps and the lines of a resume."""
    report = check_journal(folder, SIZES)
    lines = [*report.lines(), *repair(SIZES, report)]
    return read(folder), lines


@pytest.mark.parametrize("record", [0, 5, 9])
@pytest.mark.parametrize("suffix", [".journal", ".part"])
def test_journal_with_a_flipped_bit_in_its_newest_segment_loses_one_step_and_reports_it(
    tmp_path: Path, record: int, suffix: str
) -> None:
    with opened(tmp_path) as journal:
        append(journal, range(10))
    (path,) = tmp_path.iterdir()
    path = path.rename(path.with_suffix(suffix))
    damaged = damage_a_bit(path, record)
    left = [i for i in range(10) if i != record]
    assert extent(tmp_path)[1] == 9, "the damaged step's number is known"
    steps, lines = resumed(tmp_path)
    assert steps == left
    assert f"{NBYTES} bytes of {path.name} are damaged" in lines[0]
    if 0 < record < 9:
        assert "1 of 10 steps are missing (numbers 5)" in lines[1]
    assert lines[-1].endswith(f"is set aside as {path.name}.damaged; its 9 whole steps are kept")
    assert (tmp_path / f"{path.name}.damaged").read_bytes() == damaged
    assert extent(tmp_path)[1] == 9, "nor is it used again later"
    with opened(tmp_path, durable=left[-1]) as journal:
        append(journal, range(10, 15))
    steps, lines = resumed(tmp_path)
    assert steps == [*left, *range(10, 15)]
    assert not [line for line in lines if "set aside" in line]
    assert (tmp_path / f"{path.name}.damaged").read_bytes() == damaged


def test_journal_without_a_whole_step_is_set_aside_and_never_replaced(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        append(journal, range(1))
    (path,) = tmp_path.iterdir()
    first = damage_a_bit(path, 0)
    for content in (first, b"y" * 200):
        path.write_bytes(content)
        assert resumed(tmp_path)[0] == []
        assert extent(tmp_path)[1] == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"{path.name}.damaged", f"{path.name}.damaged2"]
    assert (tmp_path / f"{path.name}.damaged").read_bytes() == first
    with opened(tmp_path) as journal:
        append(journal, range(1, 3))
    assert read(tmp_path) == [1, 2]


def test_journal_with_a_missing_segment_reports_its_numbers(tmp_path: Path) -> None:
    with opened(tmp_path, segment_bytes=10 * NBYTES) as journal:
        append(journal, range(50))
    sorted(tmp_path.iterdir())[2].unlink()
    assert resumed(tmp_path) == (
        [*range(20), *range(30, 50)],
        ["replay journal: 10 of 50 steps are missing (numbers 20 to 29): damaged, or their segment is not there"],
    )


def test_segment_of_a_name_in_use_is_set_aside(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        append(journal, range(3))
    (path,) = tmp_path.iterdir()
    before = path.read_bytes()
    with opened(tmp_path, durable=-1) as journal:  # as an agent that uses numbers again would have it
        append(journal, range(2))
    assert (tmp_path / f"{path.name}.damaged").read_bytes() == before


def test_journal_leaves_out_and_counts_steps_that_are_not_finite(tmp_path: Path) -> None:
    steps = [make_step(i) for i in range(6)]
    steps[1] = replace(steps[1], reward=math.nan)
    steps[2] = replace(steps[2], reward=1e39)
    steps[5] = replace(steps[5], action=np.full(SIZES.action, np.inf, np.float32))
    with opened(tmp_path) as journal:
        for step in steps:
            journal.append(step, position(step.sequence))
    report = check_journal(tmp_path, SIZES)
    assert read(tmp_path) == [0, 3, 4]
    assert (report.refused, report.newest, report.missing) == (3, 5, [])
    assert report.lines() == ["replay journal: 3 steps hold values that are not finite; they are left out"]
    assert extent(tmp_path) == (position(5), 5)
