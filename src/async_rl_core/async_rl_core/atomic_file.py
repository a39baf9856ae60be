"""Files that are whole or not there."""

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path, mode: int = 0o600) -> Iterator[Path]:
    """A temporary file beside `path`, with its suffix, that takes its place when the block ends without an error.

    Until then nobody else can read it, and afterwards those whom `mode` allows.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(mode)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def remove_stale(path: Path) -> None:
    """Removes what killed writers of `path` left of `replacing`; nobody else may be writing it."""
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
    """A path, with a number behind it where something is there already."""
    free, number = path, 1
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}{number}")
    return free


def sync(path: Path) -> None:
    """Has a file or a folder outlive a power cut. Raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
