"""Short turns on a processor: what a process without rights can ask for in place of real-time scheduling."""

import ctypes
import os
import platform

SHORT = 100_000
"""Nanoseconds, the least that Linux takes. A thread with short turns gets each sooner, and no more time in all."""
_SYSTEM_CALLS = {"x86_64": (314, 315), "aarch64": (274, 275)}  # sched_setattr, sched_getattr


class _Attributes(ctypes.Structure):
    """`struct sched_attr` of Linux, in its first version."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64),
        ("deadline", ctypes.c_uint64),
        ("period", ctypes.c_uint64),
    )


def shorten_turns() -> bool:
    """Ask for short turns, for this thread and those that it starts. Returns whether the kernel grants them (6.12)."""
    numbers = _SYSTEM_CALLS.get(platform.machine())
    if numbers is None:
        return False
    wanted = _Attributes(policy=os.SCHED_OTHER, nice=os.getpriority(os.PRIO_PROCESS, 0), runtime=SHORT)
    wanted.size = ctypes.sizeof(wanted)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(numbers[0], 0, ctypes.byref(wanted), 0) != 0:
        return False
    given = _Attributes()
    failed = libc.syscall(numbers[1], 0, ctypes.byref(given), ctypes.sizeof(given), 0) != 0
    return not failed and bool(given.runtime == SHORT)
