"""Removal of shared memory that dead processes left and nobody uses."""

import fcntl
import os
import re
from contextlib import suppress
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")

_MIN_AGE = 1.0  # seconds

# A Fast DDS segment or port, its lock files (_el held exclusively, _sl shared, by living users), and a port's mutex.
_FILE = re.compile(r"^(?:sem\.)?(?P<stem>fast(?:dds|rtps)_(?:port\d{1,5}|[0-9a-f]{16}))(?:_el|_sl|_mutex)?$")


def middleware_files(folder: Path = SHARED_MEMORY) -> set[str]:
    """Returns the names of this user's Fast DDS files."""
    found = set()
    for entry in os.scandir(folder):
        try:
            if _FILE.match(entry.name) and entry.stat(follow_symlinks=False).st_uid == os.getuid():
                found.add(entry.name)
        except FileNotFoundError:
            continue
    return found


def used_files(folder: Path = SHARED_MEMORY) -> set[str]:
    """Returns the names of this user's Fast DDS files that some process maps or locks, or what belongs to them."""
    mapped = _mapped_files(folder)
    return {name for names in _groups(folder) if _are_used(names, mapped, folder) for name in names}


def clean_middleware(before: set[str], now: float, folder: Path = SHARED_MEMORY) -> list[str]:
    """Removes the Fast DDS files that came during a run and that no process maps or locks any more.

    Args:
        before: `middleware_files()` when the run began; what was there then belongs to others.
        now: seconds since the epoch; a younger file may belong to a process that has yet to lock it.
        folder: the folder of shared memory.

    Returns:
        The names removed.
    """
    return _remove([names for names in _groups(folder) if before.isdisjoint(names)], now, folder)


def clean_dead_middleware(now: float, folder: Path = SHARED_MEMORY) -> list[str]:
    """Removes the Fast DDS files of killed processes of any run: those with a lock that nobody holds.

    Args and result are as of `clean_middleware`.
    """
    return _remove([names for names in _groups(folder) if any(name.endswith("_el") for name in names)], now, folder)


def _groups(folder: Path) -> list[list[str]]:
    """Groups the Fast DDS files that belong together."""
    groups: dict[str, list[str]] = {}
    for name in middleware_files(folder):
        match = _FILE.match(name)
        if match:
            groups.setdefault(match["stem"], []).append(name)
    return list(groups.values())


def _remove(groups: list[list[str]], now: float, folder: Path) -> list[str]:
    """Removes the files of groups that are old and unused, and returns their names."""
    mapped = _mapped_files(folder)
    removed = []
    for names in groups:
        settled = all(_age(folder / name, now) >= _MIN_AGE for name in names)
        if settled and not _are_used(names, mapped, folder):
            for name in names:
                (folder / name).unlink(missing_ok=True)
                removed.append(name)
    return sorted(removed)


def _are_used(names: list[str], mapped: set[str], folder: Path) -> bool:
    return not mapped.isdisjoint(names) or any(_is_locked(folder / name) for name in names)


def _age(path: Path, now: float) -> float:
    try:
        return now - path.stat().st_ctime
    except FileNotFoundError:
        return _MIN_AGE


def _is_locked(path: Path) -> bool:
    if not path.name.endswith(("_el", "_sl")):
        return False
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _mapped_files(folder: Path) -> set[str]:
    """Names of the files in a folder that any visible process has mapped or open."""
    prefix = f"{folder}/"
    names = set()
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal():
            continue
        try:
            for line in (process / "maps").read_text(errors="replace", encoding="utf-8").splitlines():
                _, found, name = line.partition(prefix)
                if found:
                    names.add(name)
            for descriptor in (process / "fd").iterdir():
                with suppress(FileNotFoundError):  # closed meanwhile
                    target = os.readlink(descriptor)
                    if target.startswith(prefix):
                        names.add(target[len(prefix) :])
        except OSError:  # ended meanwhile, or another user's, whose files are not ours either
            continue
    return names
