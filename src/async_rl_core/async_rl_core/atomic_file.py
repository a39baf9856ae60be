"""Files that are complete or absent, whenever a process or the computer stops."""

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path, mode: int = 0o600, sync: bool = False) -> Iterator[Path]:
    """Yields a temporary file beside `path`, with its suffix, and renames it to `path` if the block raises nothing.

    Args:
        path: the file to write or to replace.
        mode: the permissions of the new file; nobody else can read the temporary file.
        sync: whether the new file is durable when the block ends, also after a power cut.

    Raises:
        OSError: the file cannot be written; the old file stays.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(mode)
        if sync:
            make_durable(temporary)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if sync:
        make_durable(path.parent)


def remove_stale(path: Path) -> None:
    """Removes the temporary files of killed writers of `path`; nobody else may be writing it."""
    pattern = re.compile(rf"\.{re.escape(path.stem)}\.[a-z0-9_]{{8}}{re.escape(path.suffix)}")
    with contextlib.suppress(OSError):
        for left in [left for left in path.parent.iterdir() if pattern.fullmatch(left.name)]:
            left.unlink()


def set_aside(path: Path) -> Path:
    """Renames a damaged file so that nothing reads or overwrites it; returns its new path. Raises `OSError`."""
    aside = free_name(path.with_name(f"{path.name}.damaged"))
    path.rename(aside)
    return aside


def free_name(path: Path) -> Path:
    """Returns the path, with a number appended if it exists."""
    free, number = path, 1
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}{number}")
    return free


def make_durable(path: Path) -> None:
    """Writes a file or a folder through to the disk, so that it survives a power cut. Raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
