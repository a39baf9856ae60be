"""One checkpoint as a file: arrays and a header in the safetensors format, with a checksum; no code in data."""

import json
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from async_rl_core.atomic_file import replacing
from async_rl_core.errors import AsyncRLError

FORMAT = "async_rl checkpoint"
VERSION = 2
"""Version 1 did not name the algorithm, which was sac."""

_DTYPES = {np.dtype(np.float32): "F32", np.dtype(np.uint8): "U8"}

Arrays = dict[str, NDArray[Any]]


class CheckpointError(AsyncRLError):
    """A checkpoint that cannot be used."""


class DamagedCheckpointError(CheckpointError):
    """A checkpoint whose content has changed since it was written."""


@dataclass(frozen=True, slots=True)
class CheckpointContent:
    """The content of a checkpoint."""

    algorithm: str
    updates: int
    env_steps: int
    arrays: Arrays


def name_of(updates: int) -> str:
    """Returns the file name of a checkpoint; the names of a folder sort by updates."""
    return f"updates_{updates:012d}.safetensors"


def newest_first(folder: Path) -> list[Path]:
    """Returns the checkpoints in a run's checkpoints folder; none if there is no such folder."""
    return sorted(folder.glob("updates_*.safetensors"), reverse=True)


def newest_whole(folder: Path, warn: Callable[[str], object]) -> tuple[Path, CheckpointContent] | None:
    """Returns the newest checkpoint that is not damaged; None if there is no checkpoint at all.

    `warn` is told of each newer one. Raises `CheckpointError` if all are damaged, or the newest undamaged one has
    another version.
    """
    paths = newest_first(folder)
    for path in paths:
        try:
            return path, read_checkpoint(path)
        except DamagedCheckpointError as error:
            warn(str(error))
    if paths:
        raise CheckpointError(
            f"every checkpoint in {folder} is damaged; remove them to learn again from the stored steps"
        )
    return None


def newest_env_steps(folder: Path) -> int:
    """Returns the environment steps that the newest checkpoint had seen, from its header only; 0 if there is none."""
    for path in newest_first(folder):
        try:
            with safe_open(path, framework="np") as file:
                steps = json.loads((file.metadata() or {})["async_rl"])["env_steps"]
        except (SafetensorError, OSError, ValueError, TypeError, KeyError, RecursionError):
            continue
        if isinstance(steps, int):
            return steps
    return 0


def write_checkpoint(path: Path, header: Mapping[str, object], arrays: Arrays) -> None:
    """Writes arrays and a header, which must hold `updates` and `env_steps`; only this user may read the file.

    The file is replaced atomically. The arrays are written without a copy, and Python's lock is free for other threads
    while they are summed, written and synced. Raises `OSError` if the file cannot be written.
    """
    text = json.dumps({"format": FORMAT, "version": VERSION, **header}, sort_keys=True)
    entries: dict[str, object] = {"__metadata__": {"async_rl": text, "crc32": str(_checksum(text, arrays))}}
    end = 0
    for name, array in arrays.items():
        start, end = end, end + array.nbytes
        entries[name] = {"dtype": _DTYPES[array.dtype], "shape": array.shape, "data_offsets": (start, end)}
    head = json.dumps(entries).encode()
    head += b" " * (-len(head) % 8)
    with replacing(path, sync=True) as temporary, temporary.open("wb") as file:
        file.write(struct.pack("<Q", len(head)) + head)
        for array in arrays.values():
            file.write(_bytes(array))


def read_checkpoint(path: Path) -> CheckpointContent:
    """Returns the content of a file.

    Raises `DamagedCheckpointError` if the checksum is wrong, `CheckpointError` if the file is missing or has another
    version.
    """
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a dictionary)
    except FileNotFoundError:
        raise CheckpointError(f"checkpoint {path} does not exist") from None
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError) as error:
        raise DamagedCheckpointError(f"checkpoint {path} is damaged ({error}); use an earlier one") from None
    text = metadata.get("async_rl", "")
    if metadata.get("crc32") != str(_checksum(text, arrays)):
        raise DamagedCheckpointError(
            f"checkpoint {path} is damaged, or not one of async_rl (checksum); use an earlier one"
        )
    header = json.loads(text)
    if header["version"] not in (1, VERSION):
        raise CheckpointError(
            f"checkpoint {path} has format version {header['version']}, this async_rl reads 1 and {VERSION}; "
            "use the async_rl that wrote it"
        )
    return CheckpointContent(header.get("algorithm", "sac"), header["updates"], header["env_steps"], arrays)


def _bytes(array: NDArray[Any]) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _checksum(text: str, arrays: Arrays) -> int:
    checksum = zlib.crc32(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        checksum = zlib.crc32(f"{name} {array.dtype} {list(array.shape)}".encode(), checksum)
        checksum = zlib.crc32(_bytes(np.ascontiguousarray(array)), checksum)
    return checksum
