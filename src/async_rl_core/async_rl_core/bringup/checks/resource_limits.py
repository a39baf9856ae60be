"""The limits of the shell (`ulimit`) that leave too little for a run."""

import resource
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

GIB = 2**30


@dataclass(frozen=True)
class _Need:
    number: int
    least: int
    option: str
    """The option of `ulimit`."""
    noun: str
    unit: int = 1
    """Bytes, or pieces, of one unit of `ulimit`."""


_NEEDS = (
    _Need(resource.RLIMIT_NOFILE, 512, "-n", "open files"),
    _Need(resource.RLIMIT_AS, 16 * GIB, "-v", "KiB of virtual memory", 1024),
    _Need(resource.RLIMIT_DATA, 16 * GIB, "-d", "KiB of data", 1024),
    _Need(resource.RLIMIT_STACK, 2**20, "-s", "KiB of stack", 1024),
    _Need(resource.RLIMIT_FSIZE, 4 * GIB, "-f", "KiB in a file", 1024),
    _Need(resource.RLIMIT_CPU, 365 * 24 * 3600, "-t", "seconds of processor time"),
)


def complaint(limits: Callable[[int], tuple[int, int]] = resource.getrlimit) -> str:
    """Returns in one line which limit is too low and what to do; empty if none is.

    A soft limit is raised as far as it may be.
    """
    for need in _NEEDS:
        soft, hard = limits(need.number)
        if _suffices(soft, need.least):
            continue
        if _suffices(hard, need.least):
            with suppress(OSError, ValueError):
                resource.setrlimit(need.number, (need.least, hard))
                continue
        return (
            f"ulimit {need.option} is {soft // need.unit}: a run needs {need.least // need.unit} {need.noun}; "
            f"raise it by 'ulimit {need.option} {need.least // need.unit}' or 'ulimit {need.option} unlimited'"
        )
    return ""


def _suffices(limit: int, least: int) -> bool:
    return limit == resource.RLIM_INFINITY or limit >= least
