"""Steps as checksummed records, one after the other in a file."""

import os
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from async_rl_core.errors import AsyncRLError
from async_rl_core.spec.sizes import StepSizes
from async_rl_core.spec.step import SINGLE_ACTOR, Step, checked_actor

_FILE = struct.Struct("<8s6I")
"""Start of a segment in every version: magic, version, the sizes, and the CRC32 of these."""
_ACTOR = struct.Struct("<60sI")
"""Follows since version 2: the actor of all steps and its CRC32. Version 1 belongs to the single actor."""
_MAGIC, _VERSION, _OLDEST = b"asyncrls", 2, 1
_RECORD = struct.Struct("<II5qdII")
"""Start of a record: mark, CRC32 of the rest of the record, sequence, episode, index, env_steps, batches, reward,
number of frames, terminal. State, action and frames follow."""
HEADER_BYTES = _FILE.size + _ACTOR.size
_MARK = 0x50455453
_MARK_BYTES = struct.pack("<I", _MARK)
_MOST_FRAMES = 1024
"""Most frames of a record, since a damaged one may claim any number."""
_NUMBER = re.compile(r"steps_(\d{15})\.")
_CHECKED = 8
"""Bytes of a record before those that its checksum covers."""


class JournalError(AsyncRLError):
    """A replay journal that cannot be used."""


@dataclass(frozen=True, slots=True)
class JournalPosition:
    """Progress of a run when a step was stored."""

    sequence: int
    """Of the step."""
    episode: int
    env_steps: int
    """Steps with an action since the run's start, of all actors."""
    batches: int
    """Mini-batches sampled since the run's start."""


class JournalEntry(NamedTuple):
    """One record: a step, and the progress of the run with it."""

    step: Step
    position: JournalPosition


def record_bytes(sizes: StepSizes, frames: int) -> int:
    """Returns the bytes of the record of a step with that many frames."""
    return _RECORD.size + 4 * (sizes.state + sizes.action) + frames * sizes.frame_bytes


class SegmentHeader(NamedTuple):
    """Start of a segment, which describes its steps."""

    sizes: StepSizes
    actor: str | None
    """None: it is damaged."""
    nbytes: int
    """Bytes before the first record."""


def file_header(sizes: StepSizes, actor: str = SINGLE_ACTOR) -> bytes:
    """Returns the start of a segment."""
    head = _FILE.pack(_MAGIC, _VERSION, *astuple(sizes), 0)[:-4]
    name = _ACTOR.pack(checked_actor(actor).encode(), 0)[:-4]
    return b"".join(part + struct.pack("<I", zlib.crc32(part)) for part in (head, name))


def encode(entry: JournalEntry) -> list[bytes | memoryview]:
    """Returns the parts of an entry's record, to be written one after the other."""
    step, position = entry
    parts = [
        np.ascontiguousarray(array, dtype).data.cast("B")
        for array, dtype in ((step.state, "<f4"), (step.action, "<f4"), (step.frames, np.uint8))
        if array.size
    ]
    counts = step.sequence, step.episode, step.index, position.env_steps, position.batches
    head = _RECORD.pack(_MARK, 0, *counts, step.reward, len(step.frames), step.terminal)
    checksum = zlib.crc32(head[_CHECKED:])
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    return [head[:4], struct.pack("<I", checksum), head[_CHECKED:], *parts]


class SegmentReader:
    """Yields the whole entries of a segment, also those behind damaged bytes; their arrays are views of one buffer.

    Args:
        path: of the segment.
        sizes: of its steps; None for those in its header.
        fallback: sizes for a segment whose header is damaged.
        actor: of its steps; None for the one in its header.

    Attributes, complete once all entries were taken:
        sizes: of the steps; None if they are not known.
        damaged: number of damaged bytes. An incomplete record at the end does not count: a killed writer leaves it.
        claimed: highest number that a step in the damaged bytes may have had; -1 without damage.

    Raises `OSError` where the file cannot be read, `JournalError` where it holds steps of other sizes or of another
    actor, or has an unknown version.
    """

    def __init__(
        self,
        path: Path,
        sizes: StepSizes | None = None,
        fallback: StepSizes | None = None,
        actor: str | None = None,
    ) -> None:
        self._data: NDArray[np.uint8] = np.fromfile(path, np.uint8)
        found = _header(path, self._data[:HEADER_BYTES].tobytes())
        if sizes is not None and found is not None and found.sizes != sizes:
            raise JournalError(
                f"replay journal {path} holds steps of {found.sizes}, the configuration says {sizes}; "
                "use the config.yaml of the run that wrote it, or another run_dir"
            )
        if found is not None and None not in (actor, found.actor) and found.actor != actor:
            raise JournalError(
                f"replay journal {path} holds steps of actor '{found.actor}' in the folder of actor '{actor}'; "
                "move it back"
            )
        self.damaged = 0
        self.claimed = -1
        self.has_header = found is not None and found.actor is not None
        self.sizes = found.sizes if found is not None else sizes or fallback
        self.actor = found.actor if found is not None and found.actor is not None else actor or SINGLE_ACTOR
        self._begin = found.nbytes if found is not None else HEADER_BYTES
        self._name = _NUMBER.search(path.name)

    def __iter__(self) -> Iterator[JournalEntry]:
        end = len(self._data)
        at = min(self._begin, end)
        last = int(self._name[1]) - 1 if self._name else -1
        if not self.has_header and end >= self._begin and self._data[:at].any():
            self._note_damage(0, at, last)
        while at < end:
            entry, nbytes = self._decode(at)
            if entry is None:
                start, at = at, self._next_record(at)
                if at < end or not self._is_cut_off(start):
                    self._note_damage(start, at, last)
                continue
            at += nbytes
            last = entry.step.sequence
            yield entry

    def _decode(self, at: int) -> tuple[JournalEntry | None, int]:
        """Returns the record at an offset, and its bytes; None where there is no whole one."""
        sizes, data = self.sizes, self._data[at:]
        if sizes is None or len(data) < _RECORD.size:
            return None, 0
        mark, checksum, *counts, reward, frames, terminal = _RECORD.unpack_from(data.data)
        nbytes = record_bytes(sizes, frames)
        if mark != _MARK or nbytes > len(data) or frames > _MOST_FRAMES:
            return None, 0
        if zlib.crc32(data[_CHECKED:nbytes].data) != checksum:
            return None, 0
        start = nbytes - frames * sizes.frame_bytes
        vectors, images = data[_RECORD.size : start].view("<f4"), data[start:nbytes]
        sequence, episode, index, env_steps, batches = counts
        step = Step(
            actor=self.actor,
            sequence=sequence,
            episode=episode,
            index=index,
            frames=images.reshape(frames, sizes.height, sizes.width, 3),
            state=vectors[: sizes.state],
            action=vectors[sizes.state :],
            reward=reward,
            terminal=bool(terminal),
        )
        return JournalEntry(step, JournalPosition(sequence, episode, env_steps, batches)), nbytes

    @cached_property
    def _bytes(self) -> bytes:
        return self._data.tobytes()

    def _next_record(self, at: int) -> int:
        """Returns the offset of the next whole record after `at`, or the end of the file."""
        while (at := self._bytes.find(_MARK_BYTES, at + 1)) >= 0:
            if self._decode(at)[0] is not None:
                return at
        return len(self._data)

    def _is_cut_off(self, at: int) -> bool:
        """Returns whether the rest of the file from `at` on is what a killed writer leaves."""
        rest = self._data[at:]
        if not rest.any():  # after a power cut, a file may have its length without its content
            return True
        head = rest[: _RECORD.size].tobytes()
        if len(head) < _RECORD.size:
            return head[:4] == _MARK_BYTES[: len(head)]
        mark, _, *_, frames, _ = _RECORD.unpack(head)
        return mark == _MARK and self.sizes is not None and record_bytes(self.sizes, frames) > len(rest)

    def _note_damage(self, start: int, end: int, last: int) -> None:
        """Counts damaged bytes; `last` is the number of the step before them."""
        self.damaged += end - start
        self.claimed = max(self.claimed, last + 1)
        least = _RECORD.size if self.sizes is None else record_bytes(self.sizes, 0)
        at = start
        while (at := self._bytes.find(_MARK_BYTES, at, end)) >= 0 and at + _RECORD.size <= len(self._data):
            sequence = _RECORD.unpack_from(self._bytes, at)[2]
            if last < sequence <= last + 1 + (at - start) // least:
                self.claimed = max(self.claimed, sequence)
            at += 1


def said_sizes(path: Path) -> StepSizes | None:
    """Returns the sizes of steps in a segment's header; None where that is damaged or not there."""
    try:
        with path.open("rb") as file:
            header = _header(path, file.read(HEADER_BYTES))
    except (OSError, JournalError):
        return None
    return None if header is None else header.sizes


def _header(path: Path, head: bytes) -> SegmentHeader | None:
    """Returns the header of a segment; None where it is damaged. Raises `JournalError` for an unknown version."""
    if len(head) < _FILE.size:
        return None
    magic, version, *sizes, checksum = _FILE.unpack_from(head)
    if magic != _MAGIC or checksum != zlib.crc32(head[: _FILE.size - 4]):
        return None
    if not _OLDEST <= version <= _VERSION:
        raise JournalError(
            f"replay journal {path} has format version {version}, this async_rl reads {_OLDEST} to {_VERSION}; "
            "use the async_rl that wrote it"
        )
    if version == 1:
        return SegmentHeader(StepSizes(*sizes), SINGLE_ACTOR, _FILE.size)
    if len(head) < HEADER_BYTES:
        return None
    name, checksum = _ACTOR.unpack_from(head, _FILE.size)
    is_whole = checksum == zlib.crc32(head[_FILE.size : HEADER_BYTES - 4])
    return SegmentHeader(StepSizes(*sizes), name.rstrip(b"\0").decode() if is_whole else None, HEADER_BYTES)


def write_all(descriptor: int, parts: list[bytes | memoryview]) -> None:
    """Writes all parts in as few calls as possible, without the GIL. Raises `OSError`."""
    left = sum(len(part) for part in parts)
    written = os.writev(descriptor, parts)
    if written == left:
        return
    rest = memoryview(b"".join(parts))[written:]  # the disk is full; the next call raises
    while rest:
        rest = rest[os.write(descriptor, rest) :]
