"""Available memory, checked before a store is allocated."""

from pathlib import Path

from async_rl_core.errors import ConfigError

_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


def available() -> int:
    """Returns the bytes that can be used without swapping: MemAvailable, or less where a container is limited."""
    fields = dict(line.split(":", 1) for line in _MEMINFO.read_text(encoding="utf-8").splitlines())
    free = int(fields["MemAvailable"].split()[0]) * 1024
    try:
        limit, used = (
            (_CGROUP / "memory.max").read_text(encoding="utf-8").strip(),
            int((_CGROUP / "memory.current").read_text(encoding="utf-8")),
        )
        counts = dict(line.split() for line in (_CGROUP / "memory.stat").read_text(encoding="utf-8").splitlines())
    except OSError:
        return free
    if limit == "max":
        return free
    used -= int(counts["inactive_file"])  # the page cache, such as a journal that was read, is given up
    return min(free, max(0, int(limit) - used))


def require(nbytes: int, what: str, remedy: str) -> None:
    """Raises `ConfigError` with the numbers where `nbytes` are more than the machine has left."""
    free = available()
    if nbytes > free:
        raise ConfigError(f"{what} needs {nbytes / 1e9:.2f} GB, this machine has {free / 1e9:.2f} GB left; {remedy}")
