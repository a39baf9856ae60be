import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from async_rl_core.replay.journal.segment import (
    JournalEntry,
    JournalError,
    JournalPosition,
    SegmentReader,
    encode,
    file_header,
    record_bytes,
    write_all,
)
from async_rl_core.spec.sizes import StepSizes
from async_rl_core.spec.step import SINGLE_ACTOR, Step

SIZES = StepSizes(height=1, width=3, state=2, action=1)


def make_entry(rng: np.random.Generator, sequence: int) -> JournalEntry:
    frames = rng.integers(0, 256, (int(rng.integers(0, 4)), SIZES.height, SIZES.width, 3), dtype=np.uint8)
    vectors = rng.random(SIZES.state, np.float32), rng.random(SIZES.action, np.float32)
    terminal = bool(rng.random() < 0.5)
    step = Step(
        SINGLE_ACTOR, sequence, int(rng.integers(2**40)), sequence % 7, frames, *vectors, float(rng.normal()), terminal
    )
    return JournalEntry(
        step, JournalPosition(sequence, step.episode, int(rng.integers(2**40)), int(rng.integers(2**40)))
    )


def write(path: Path, entries: list[JournalEntry], sizes: StepSizes = SIZES) -> bytes:
    path.write_bytes(file_header(sizes) + b"".join(part for entry in entries for part in encode(entry)))
    return path.read_bytes()


def assert_equal(one: JournalEntry, other: JournalEntry) -> None:
    assert one.position == other.position
    for name in ("sequence", "episode", "index", "reward", "terminal"):
        assert getattr(one.step, name) == getattr(other.step, name)
    for name in ("frames", "state", "action"):
        np.testing.assert_array_equal(getattr(one.step, name), getattr(other.step, name))


@settings(max_examples=30)
@given(count=st.integers(0, 6), seed=st.integers(0, 2**32 - 1))
def test_segment_reads_the_written_entries(tmp_path_factory: pytest.TempPathFactory, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    entries = [make_entry(rng, i) for i in range(count)]
    path = tmp_path_factory.mktemp("segment") / "file"
    data = write(path, entries)
    assert len(data) == len(file_header(SIZES)) + sum(record_bytes(SIZES, len(entry.step.frames)) for entry in entries)
    for one, other in zip(SegmentReader(path, SIZES), entries, strict=True):
        assert_equal(one, other)


def test_segment_with_a_flipped_bit_counts_the_damage(tmp_path: Path) -> None:
    """All of them: all is read but the damaged record; the file's header can be done without."""
    rng = np.random.default_rng(0)
    entries = [make_entry(rng, i) for i in range(3)]
    data = write(tmp_path / "file", entries)
    ends = np.cumsum([len(file_header(SIZES))] + [record_bytes(SIZES, len(entry.step.frames)) for entry in entries])
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        (tmp_path / "file").write_bytes(damaged)
        broken = int(np.searchsorted(ends, bit // 8, side="right")) - 1  # -1: the file's header
        reader = SegmentReader(tmp_path / "file", SIZES)
        read = [*reader]
        expected = [entry for i, entry in enumerate(entries) if i != broken]
        for one, other in zip(read, expected, strict=True):
            assert_equal(one, other)
        # A length that says more than there is left looks as if a killed writer had left it.
        assert reader.damaged or broken == 2


@settings(max_examples=150)
@given(
    cut=st.integers(0, 600),
    tail=st.one_of(st.binary(max_size=300), st.integers(0, 300).map(bytes)),
    seed=st.integers(0, 2**32 - 1),
)
def test_segment_cut_off_anywhere_yields_its_whole_entries(
    tmp_path_factory: pytest.TempPathFactory, cut: int, tail: bytes, seed: int
) -> None:
    """Cut anywhere, with zeros or anything else behind, as file systems leave it after a power cut."""
    rng = np.random.default_rng(seed)
    entries = [make_entry(rng, i) for i in range(5)]
    path = tmp_path_factory.mktemp("segment") / "file"
    data = write(path, entries)
    path.write_bytes(data[:cut] + tail)
    ends = np.cumsum([len(file_header(SIZES))] + [record_bytes(SIZES, len(entry.step.frames)) for entry in entries])
    read = [*SegmentReader(path, SIZES)]
    if not data.startswith(data[:cut] + tail):  # else the tail happens to go on as the file did
        assert len(read) == max(0, int(np.searchsorted(ends, cut, side="right")) - 1)
    for one, other in zip(read, entries, strict=False):
        assert_equal(one, other)


@given(data=st.binary(max_size=400))
def test_file_without_records_yields_no_entry(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("segment") / "file"
    path.write_bytes(data)
    assert [*SegmentReader(path)] == []


def test_segment_of_other_sizes_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "file", [])
    with pytest.raises(JournalError, match=r"height=1, width=3.*the configuration says .*height=90.*another run_dir"):
        SegmentReader(tmp_path / "file", StepSizes(90, 160, 2, 1))


def test_segment_of_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("async_rl_core.replay.journal.segment._VERSION", 7)
        write(tmp_path / "file", [])
    with pytest.raises(JournalError, match="format version 7, this async_rl reads 1"):
        SegmentReader(tmp_path / "file")


def test_write_all_completes_a_short_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [bytes([i]) * 100 for i in range(5)]
    whole = b"".join(parts)
    for taken in (0, 1, 99, 100, 350, 500):

        def short(descriptor: int, parts: list[bytes], taken: int = taken) -> int:
            return os.write(descriptor, b"".join(parts)[:taken])

        monkeypatch.setattr(os, "writev", short)
        with (tmp_path / "file").open("wb") as file:
            write_all(file.fileno(), list(parts))
        assert (tmp_path / "file").read_bytes() == whole
