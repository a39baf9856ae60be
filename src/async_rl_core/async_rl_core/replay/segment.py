"""Steps as checksummed records, one after the other in a file."""

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from async_rl_core.errors import AsyncRLError
from async_rl_core.replay.sizes import StepSizes
from async_rl_core.replay.step import Step

_FILE = struct.Struct("<8s6I")  # magic, version, the sizes, CRC32 of what precedes it
_MAGIC, _VERSION = b"asyncrls", 1
_RECORD = struct.Struct("<II5qdII")
"""Mark, CRC32 of all that follows it in the record, then sequence, episode, index, env_steps, batches, reward, number
of frames, terminal. Behind it proprioception, action and frames."""
_MARK = 0x50455453
_CHECKED = 8
"""Bytes of a record before those that its checksum covers."""


class JournalError(AsyncRLError):
    """A replay journal that cannot be used."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a run's experience goes."""

    sequence: int
    """Of the newest step."""
    episode: int
    env_steps: int
    """Steps with an action since the run's start, those forgotten since included."""
    batches: int
    """Mini-batches sampled when it came."""


class Entry(NamedTuple):
    """One record: a step, and how far the run had come with it."""

    step: Step
    position: Position


def record_bytes(sizes: StepSizes, frames: int) -> int:
    """Bytes of the record of a step with so many frames."""
    return _RECORD.size + 4 * (sizes.proprioception + sizes.action) + frames * sizes.frame_bytes


def file_header(sizes: StepSizes) -> bytes:
    """What a segment begins with."""
    head = _FILE.pack(_MAGIC, _VERSION, *astuple(sizes), 0)[:-4]
    return head + struct.pack("<I", zlib.crc32(head))


def encode(entry: Entry) -> list[bytes | memoryview]:
    """The parts of an entry's record, to be written one after the other."""
    step, position = entry
    parts = [
        np.ascontiguousarray(array, dtype).data.cast("B")
        for array, dtype in ((step.proprioception, "<f4"), (step.action, "<f4"), (step.frames, np.uint8))
        if array.size
    ]
    counts = step.sequence, step.episode, step.index, position.env_steps, position.batches
    head = _RECORD.pack(_MARK, 0, *counts, step.reward, len(step.frames), step.terminal)
    checksum = zlib.crc32(head[_CHECKED:])
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    return [head[:4], struct.pack("<I", checksum), head[_CHECKED:], *parts]


class SegmentReader:
    """Yields the entries of a segment up to its end or its first damaged record; their arrays are views of one buffer.

    Raises `OSError` where the file cannot be read, `JournalError` where it holds steps of other sizes, or is of
    another version.
    """

    def __init__(self, path: Path, sizes: StepSizes | None = None) -> None:
        self._data: NDArray[np.uint8] = np.fromfile(path, np.uint8)
        self._at = _FILE.size
        found = _sizes(path, self._data[: _FILE.size].tobytes())
        if sizes is not None and found is not None and found != sizes:
            raise JournalError(
                f"replay journal {path} holds steps of {found}, the configuration says {sizes}; "
                "use the config.yaml of the run that wrote it, or another run_dir"
            )
        self._sizes = found

    def __iter__(self) -> Iterator[Entry]:
        if self._sizes is None:
            return
        while (entry := self._decode(self._sizes)) is not None:
            yield entry

    def _decode(self, sizes: StepSizes) -> Entry | None:
        data = self._data[self._at :]
        if len(data) < _RECORD.size:
            return None
        mark, checksum, *counts, reward, frames, terminal = _RECORD.unpack_from(data.data)
        nbytes = record_bytes(sizes, frames)
        if mark != _MARK or nbytes > len(data) or zlib.crc32(data[_CHECKED:nbytes].data) != checksum:
            return None
        start = nbytes - frames * sizes.frame_bytes
        vectors, images = data[_RECORD.size : start].view("<f4"), data[start:nbytes]
        sequence, episode, index, env_steps, batches = counts
        self._at += nbytes
        step = Step(
            sequence=sequence,
            episode=episode,
            index=index,
            frames=images.reshape(frames, sizes.height, sizes.width, 3),
            proprioception=vectors[: sizes.proprioception],
            action=vectors[sizes.proprioception :],
            reward=reward,
            terminal=bool(terminal),
        )
        return Entry(step, Position(sequence, episode, env_steps, batches))


def _sizes(path: Path, head: bytes) -> StepSizes | None:
    """What a segment's header says; None where it is damaged."""
    if len(head) < _FILE.size:
        return None
    magic, version, *sizes, checksum = _FILE.unpack(head)
    if magic != _MAGIC or checksum != zlib.crc32(head[:-4]):
        return None
    if version != _VERSION:
        raise JournalError(
            f"replay journal {path} has format version {version}, this async_rl reads {_VERSION}; "
            "use the async_rl that wrote it"
        )
    return StepSizes(*sizes)


def write_all(descriptor: int, parts: list[bytes | memoryview]) -> None:
    """Write the parts, all of them, in as few calls as it takes; the GIL is free meanwhile. Raises `OSError`."""
    left = sum(len(part) for part in parts)
    written = os.writev(descriptor, parts)
    if written == left:
        return
    rest = memoryview(b"".join(parts))[written:]  # a disk that just filled up, which the next call reports
    while rest:
        rest = rest[os.write(descriptor, rest) :]
