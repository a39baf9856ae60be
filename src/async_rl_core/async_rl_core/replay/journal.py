"""Every step on disk as it comes, so that a replay process that ends, however it ends, goes on where it was.

A journal is a folder of segments, `steps_<first sequence number>.journal`, of one record per step (`segment.py`). The
one being written is called `.part`; when it is full it is synced and renamed. What a killed process had handed to the
kernel is there to its last whole record; what was synced (every `replay.sync_period`) outlives a power cut too.
"""

import contextlib
import math
import os
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from queue import Empty, SimpleQueue

from async_rl_core.config.schema import Config
from async_rl_core.replay.segment import (
    Entry,
    JournalError,
    Position,
    SegmentReader,
    encode,
    file_header,
    record_bytes,
    write_all,
)
from async_rl_core.replay.sizes import StepSizes, StoreSizes
from async_rl_core.replay.step import Step

FOLDER = "replay"
"""The journal's name in a run folder."""
SEGMENT_BYTES = 32 * 2**20
PENDING_BYTES = 64 * 2**20
"""Memory for steps that the disk has not taken yet."""
CLOSE_TIMEOUT = 2.0
"""Seconds that the end of a process waits for its disk."""
PART, SEALED = ".part", ".journal"
_NAME = re.compile(r"steps_(\d{15})\.(journal|part)")


class Journal:
    """Appends steps to a folder, in a thread of its own: no call waits for the disk.

    Trouble with the disk never reaches the caller: a full one ends the journal (`failed`), one that is too slow leaves
    gaps (`missing`), which the records' sequence numbers show when they are read. Sequence numbers must ascend, from
    above `settled`, the newest that the folder holds.
    """

    def __init__(
        self,
        folder: Path,
        sizes: StepSizes,
        sync_period: float,
        settled: int = -1,
        segment_bytes: int = SEGMENT_BYTES,
        pending_bytes: int = PENDING_BYTES,
    ) -> None:
        self.folder = folder
        self.failed = ""
        """Why nothing is written any more; empty while all is well."""
        self.missing = 0
        """Steps left out because the disk did not keep up."""
        self._sizes, self._sync_period = sizes, sync_period
        self._segment_bytes, self._pending_bytes = segment_bytes, pending_bytes
        self._queue: SimpleQueue[Entry | None] = SimpleQueue()
        self._appended = self._settled = settled
        self._appended_bytes = self._written_bytes = 0  # each with one writer: no lock
        self._needed_from = 0
        self._file: int | None = None
        self._path = folder
        self._size = 0
        self._sync_due: float | None = None
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def append(self, step: Step, position: Position) -> None:
        """Have a step written soon; its arrays must not change any more."""
        self._appended = step.sequence
        nbytes = record_bytes(self._sizes, len(step.frames))
        if self.failed:
            return
        if self._appended_bytes - self._written_bytes + nbytes > self._pending_bytes:
            self.missing += 1
            return
        self._appended_bytes += nbytes
        self._queue.put(Entry(step, position))

    @property
    def settled(self) -> int:
        """Sequence number up to which the end of this process loses nothing that the journal could have kept."""
        return self._appended if self.failed else self._settled

    def forget(self, before_sequence: int) -> None:
        """Steps before that one need not be kept: files that hold no others are removed in time."""
        self._needed_from = before_sequence

    def close(self) -> None:
        """Write what waits, sync and seal; waits `CLOSE_TIMEOUT` seconds at most. A second time does nothing."""
        self._queue.put(None)
        self._thread.join(CLOSE_TIMEOUT)

    def _run(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            self.folder.chmod(0o700)
            for path in _segments(self.folder):
                if path.suffix == PART:
                    _seal(path)  # what a killed process left
            while (entry := self._next()) is not None:
                self._write(entry)
            self._end_segment()
        except OSError as error:
            since = f"steps from {self._settled + 1} on are not kept"
            self.failed = f"replay journal {self.folder}: {error.strerror}; {since}"
        finally:
            if self._file is not None:
                os.close(self._file)
        with contextlib.suppress(Empty):
            while self.failed:
                self._queue.get_nowait()  # gives the memory back

    def _next(self) -> Entry | None:
        """Wait for an entry, and sync meanwhile when it is time; None: close."""
        while True:
            left = None if self._sync_due is None else self._sync_due - time.monotonic()
            if left is not None and left <= 0:
                self._sync()
                continue
            with contextlib.suppress(Empty):
                return self._queue.get(timeout=left)

    def _write(self, entry: Entry) -> None:
        if self._file is None:
            self._begin_segment(entry.step.sequence)
        assert self._file is not None
        parts = encode(entry)
        write_all(self._file, parts)
        nbytes = sum(len(part) for part in parts)
        self._size += nbytes
        self._written_bytes += nbytes
        self._settled = entry.step.sequence
        if self._sync_due is None:
            self._sync_due = time.monotonic() + self._sync_period
        if self._size >= self._segment_bytes:
            self._end_segment()

    def _begin_segment(self, first: int) -> None:
        self._path = self.folder / f"steps_{first:015d}{PART}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.open(self._path, flags, 0o600)
        header = file_header(self._sizes)
        write_all(self._file, [header])
        self._size = len(header)

    def _sync(self) -> None:
        self._sync_due = None
        if self._file is not None:
            os.fdatasync(self._file)

    def _end_segment(self) -> None:
        if self._file is None:
            return
        descriptor, self._file, self._sync_due = self._file, None, None
        os.close(descriptor)
        _seal(self._path)
        self._remove_forgotten()

    def _remove_forgotten(self) -> None:
        paths = _segments(self.folder)
        for path, following in pairwise(paths):
            if _first(following) > self._needed_from:
                return
            path.unlink(missing_ok=True)


def read_entries(folder: Path, sizes: StepSizes | None = None) -> Iterator[Entry]:
    """What a journal holds, in order; a damaged record ends its segment, which leaves a gap.

    An entry's arrays are views. A folder that is not there holds nothing.
    Raises `JournalError` where a file cannot be read, or holds steps of other sizes.
    """
    newest = -1
    with _reading(folder):
        for path in _segments(folder):
            for entry in _reader(path, sizes):
                if entry.step.sequence > newest:
                    newest = entry.step.sequence
                    yield entry


def read_steps(folder: Path) -> Iterator[Step]:
    """The steps of `read_entries`."""
    return (entry.step for entry in read_entries(folder))


def last_position(folder: Path) -> Position | None:
    """How far a journal goes, also while it is being written; None where it holds nothing.

    Reads the newest segment only, unless nothing in that is whole. Raises `JournalError` where it cannot be read.
    """
    with _reading(folder):
        for path in reversed(_segments(folder)):
            position = None
            for entry in _reader(path):
                position = entry.position
            if position is not None:
                return position
    return None


def journal_bytes(config: Config) -> int:
    """Bytes of disk that a run's journal takes once replay is full, or at the end of a run too short for that."""
    sizes, agent = StoreSizes.of(config), config.agent
    for limit, seconds in ((config.duration, 1.0), (config.episodes, agent.episode_duration)):
        if limit is not None:
            steps = math.ceil(limit * seconds / agent.action_cycle_time)
            sizes = replace(sizes, capacity=min(sizes.capacity, steps))
    return sizes.frames * sizes.step.frame_bytes + sizes.capacity * record_bytes(sizes.step, 0) + SEGMENT_BYTES


@contextlib.contextmanager
def _reading(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise JournalError(
            f"replay journal {error.filename or folder} cannot be read: {error.strerror}; "
            "repair that, or move the folder away to go on without what was stored"
        ) from error


def _segments(folder: Path) -> list[Path]:
    """The journal's files, oldest first."""
    if not folder.exists():
        return []
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def _reader(path: Path, sizes: StepSizes | None = None) -> SegmentReader:
    """Reads a segment that was listed; where the journal is being written, it may have been sealed since."""
    try:
        return SegmentReader(path, sizes)
    except FileNotFoundError:
        return SegmentReader(path.with_suffix(SEALED), sizes)


def _first(path: Path) -> int:
    """Sequence number of a segment's first step."""
    return int(path.stem.removeprefix("steps_"))


def _seal(part: Path) -> None:
    """Give a file its final name once it is on disk, and see that the name is."""
    _sync(part)
    os.replace(part, part.with_suffix(SEALED))
    _sync(part.parent)


def _sync(path: Path) -> None:
    """Have a file or a folder outlive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
