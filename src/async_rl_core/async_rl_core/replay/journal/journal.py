"""The steps of one actor on disk, from which a restarted replay process continues.

A journal is a folder of segments, `steps_<first sequence number>.journal`, of one record per step (`segment.py`). The
one being written is called `.part`; a full one is synced and renamed. The end of the process loses no written record,
a power cut none that was synced (every `replay.sync_period`).
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

from async_rl_core.atomic_file import make_durable, set_aside
from async_rl_core.config.schema import Config
from async_rl_core.replay.journal.report import JournalReport
from async_rl_core.replay.journal.segment import (
    JournalEntry,
    JournalError,
    JournalPosition,
    SegmentReader,
    encode,
    file_header,
    record_bytes,
    said_sizes,
    write_all,
)
from async_rl_core.spec.sizes import StepSizes, StoreSizes
from async_rl_core.spec.step import SINGLE_ACTOR, Step

SEGMENT_BYTES = 32 * 2**20
"""Size at which a segment is completed."""
PENDING_BYTES = 64 * 2**20
"""Most memory of steps that the disk has not taken yet."""
CLOSE_TIMEOUT = 2.0
"""Most seconds that `close` waits for the disk."""
RETRY_PERIOD = 1.0
"""Seconds between attempts to write to a failing disk."""
PART, SEALED = ".part", ".journal"
_NAME = re.compile(r"steps_(\d{15})\.(journal|part)")
_DAMAGED_NAME = re.compile(_NAME.pattern + r"\.damaged\d*")


class StepJournal:
    """Appends steps to a folder, in a thread of its own: no call waits for the disk, and none raises.

    While the disk takes nothing (`failed`), steps wait in memory and a new segment is tried every `RETRY_PERIOD`; steps
    beyond `pending_bytes` are left out and counted (`missing`). Sequence numbers must ascend from above `durable`.
    """

    def __init__(
        self,
        folder: Path,
        sizes: StepSizes,
        sync_period: float,
        durable: int = -1,
        segment_bytes: int = SEGMENT_BYTES,
        pending_bytes: int = PENDING_BYTES,
        actor: str = SINGLE_ACTOR,
    ) -> None:
        self.folder = folder
        self.failed = ""
        """Why the newest steps are not written yet; empty without a problem."""
        self.missing = 0
        """Steps left out because the disk did not take them for too long."""
        self._sizes, self._sync_period = sizes, sync_period
        self._segment_bytes, self._pending_bytes = segment_bytes, pending_bytes
        self._queue: SimpleQueue[JournalEntry | None] = SimpleQueue()
        self._durable, self._actor = durable, actor
        self._appended_bytes = self._written_bytes = 0  # each with one writer: no lock
        self._needed_from = 0
        self._file: int | None = None
        self._path = folder
        self._size = 0
        self._whole = False  # whether the segment holds a step
        self._is_ready = False
        self._sync_due: float | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def append(self, step: Step, position: JournalPosition) -> None:
        """Writes a step soon; its arrays must not change any more."""
        nbytes = record_bytes(self._sizes, len(step.frames))
        if self._appended_bytes - self._written_bytes + nbytes > self._pending_bytes:
            self.missing += 1
            return
        self._appended_bytes += nbytes
        self._queue.put(JournalEntry(step, position))

    @property
    def durable(self) -> int:
        """Sequence number up to which no step is lost when this process ends."""
        return self._durable

    @property
    def waiting(self) -> int:
        """Steps in memory that the disk has not taken yet."""
        return self._queue.qsize()

    def forget(self, before_sequence: int) -> None:
        """Lets files be removed that hold only steps before that one."""
        self._needed_from = before_sequence

    def close(self) -> None:
        """Writes the waiting steps and completes the file, within `CLOSE_TIMEOUT`; a second time does nothing."""
        self._closing.set()
        self._queue.put(None)
        self._thread.join(CLOSE_TIMEOUT)

    def _run(self) -> None:
        """Writes entry by entry, each again until the disk takes it."""
        entry: JournalEntry | None = None
        while True:
            try:
                if not self._is_ready:
                    self._make_ready()
                if entry is None and (entry := self._next()) is None:
                    self._end_segment()
                    return
                self._write(entry)
                entry, self.failed = None, ""
            except OSError as error:
                was_closing = self._closing.is_set()
                self._fail(error)
                if entry is not None and entry.step.sequence <= self._durable:
                    entry = None  # it was written; a later operation failed
                if was_closing:  # this was the last attempt
                    self.missing += (entry is not None) + self._drain()
                    return
                self._closing.wait(RETRY_PERIOD)

    def _drain(self) -> int:
        """Discards the waiting steps; returns their number."""
        count = 0
        with contextlib.suppress(Empty):
            while True:
                count += self._queue.get_nowait() is not None
        return count

    def _make_ready(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        for path in _segments(self.folder):
            if path.suffix == PART:
                _seal(path)  # left by a killed process, or by this one when the disk was full
        self._is_ready = True

    def _fail(self, error: OSError) -> None:
        """Ends the segment behind its last whole step; the next step begins a new one."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)
            with contextlib.suppress(OSError):
                os.close(self._file)
            if not self._whole:
                with contextlib.suppress(OSError):
                    self._path.unlink()
        self._file, self._sync_due, self._is_ready = None, None, False
        since = f"steps from {self._durable + 1} on wait in memory until it can be written"
        self.failed = f"replay journal {self.folder}: {error.strerror or error}; {since}"

    def _next(self) -> JournalEntry | None:
        """Waits for an entry, and syncs when it is due; None: close."""
        while True:
            left = None if self._sync_due is None else self._sync_due - time.monotonic()
            if left is not None and left <= 0:
                self._sync()
                continue
            with contextlib.suppress(Empty):
                return self._queue.get(timeout=left)

    def _write(self, entry: JournalEntry) -> None:
        if self._file is None:
            self._begin_segment(entry.step.sequence)
        assert self._file is not None
        parts = encode(entry)
        write_all(self._file, parts)
        nbytes = sum(len(part) for part in parts)
        self._size += nbytes
        self._whole = True
        self._written_bytes += nbytes
        self._durable = entry.step.sequence
        if self._sync_due is None:
            self._sync_due = time.monotonic() + self._sync_period
        if self._size >= self._segment_bytes:
            self._end_segment()

    def _begin_segment(self, first: int) -> None:
        self._path = self.folder / f"steps_{first:015d}{PART}"
        for there in (self._path, self._path.with_suffix(SEALED)):
            if there.exists():
                set_aside(there)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.open(self._path, flags, 0o600)
        self._size, self._whole = 0, False
        header = file_header(self._sizes, self._actor)
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
        with contextlib.suppress(OSError):
            self._remove_forgotten()

    def _remove_forgotten(self) -> None:
        paths = _segments(self.folder)
        for path, following in pairwise(paths):
            if _first(following) > self._needed_from:
                return
            path.unlink(missing_ok=True)


def read_entries(
    folder: Path, sizes: StepSizes | None = None, report: JournalReport | None = None
) -> Iterator[JournalEntry]:
    """Yields every whole and finite step of a journal in order, also those behind damaged ones; none without a folder.

    Arrays are views. `report` counts the others. Raises `JournalError` where a file cannot be read, or has other sizes.
    """
    report = JournalReport() if report is None else report
    with _reading(folder):
        fallback = sizes or _said_sizes(folder)
        for path in _segments(folder):
            reader = _reader(path, sizes, fallback, report.actor)
            for entry in reader:
                sequence = entry.step.sequence
                if sequence <= report.newest:
                    continue
                if report.first < 0:
                    report.first = sequence
                elif sequence > report.newest + 1:
                    report.missing.append((report.newest + 1, sequence - 1))
                report.newest = sequence
                if not entry.step.is_finite:
                    report.refused += 1
                    continue
                report.whole += 1
                yield entry
            if reader.damaged:
                report.damaged[path] = reader.damaged


def read_steps(folder: Path, actor: str = SINGLE_ACTOR) -> Iterator[Step]:
    """Returns the steps of an actor in a run's journal; see `read_entries`."""
    return (entry.step for entry in read_entries(folder / actor, report=JournalReport(actor)))


def last_position(folder: Path) -> JournalPosition | None:
    """Returns the position of the newest step, also while the journal is being written; None without any.

    Reads the newest segment that holds a whole step. Raises `JournalError` where it cannot be read.
    """
    return extent(folder)[0]


def extent(folder: Path, sizes: StepSizes | None = None) -> tuple[JournalPosition | None, int]:
    """Returns the position of the newest step, and the highest number of any step, damaged ones included; -1 if none.

    Reads the newest segment that holds a whole step, and all newer ones, including those set aside.
    Raises `JournalError` where one cannot be read.
    """
    highest = -1
    with _reading(folder):
        fallback = sizes or _said_sizes(folder)
        for path in sorted([*_segments(folder), *_listed(folder, _DAMAGED_NAME)], reverse=True):
            position = None
            reader = _reader(path, sizes, fallback)
            for entry in reader:
                position = entry.position
                highest = max(highest, position.sequence)
            highest = max(highest, reader.claimed)
            if position is not None and _NAME.fullmatch(path.name):
                return position, highest
    return None, highest


def journal_bytes(config: Config) -> int:
    """Returns the bytes of disk that a journal takes once replay is full, or at the end of a shorter run."""
    sizes, agent = StoreSizes.from_config(config), config.agent
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
    """Returns the journal's files, oldest first."""
    return _listed(folder, _NAME)


def _listed(folder: Path, name: re.Pattern[str]) -> list[Path]:
    return sorted(path for path in folder.iterdir() if name.fullmatch(path.name)) if folder.exists() else []


def _said_sizes(folder: Path) -> StepSizes | None:
    """Returns the sizes of steps in the first whole header."""
    return next(filter(None, map(said_sizes, _segments(folder))), None)


def _reader(
    path: Path, sizes: StepSizes | None = None, fallback: StepSizes | None = None, actor: str | None = None
) -> SegmentReader:
    """Returns the reader of a listed segment, which a running process may have sealed since."""
    try:
        return SegmentReader(path, sizes, fallback, actor)
    except FileNotFoundError:
        return SegmentReader(path.with_suffix(SEALED), sizes, fallback, actor)


def _first(path: Path) -> int:
    """Returns the sequence number of a segment's first step."""
    return int(path.stem.removeprefix("steps_"))


def _seal(part: Path) -> None:
    """Syncs a file, gives it its final name durably, and sets a file of that name aside."""
    make_durable(part)
    sealed = part.with_suffix(SEALED)
    if sealed.exists():
        set_aside(sealed)
    os.replace(part, sealed)
    make_durable(part.parent)
