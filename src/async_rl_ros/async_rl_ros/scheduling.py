"""Scheduling and memory of a node's process. Most functions return their result as one line for the log."""

import ctypes
import gc
import os
import platform
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

_SHORT_TURN = 100_000
"""Nanoseconds, the least that Linux accepts. A thread with short turns gets each sooner, and no more time in all."""
_SCHED_ATTR_CALLS = {"x86_64": (314, 315), "aarch64": (274, 275)}
"""Numbers of the system calls sched_setattr and sched_getattr."""

_PR_SET_PDEATHSIG = 1
_FALLBACK_NICENESS = -10
_INITIAL_NICENESS = os.getpriority(os.PRIO_PROCESS, 0)
_AUTOGROUP = Path("/proc/self/autogroup")
_LARGEST_SESSION_NICENESS = 5  # a session yields, but gets a quarter of a processor beside another busy program
_SESSION_TIMEOUT, _SESSION_RETRY = 2.0, 0.1  # seconds to change the nice value of a session, and between two attempts
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4


def realtime(priority: int, short: bool = False) -> str:
    """Requests SCHED_FIFO at `priority`; without the right, nice -10; without that right, no change.

    Threads started afterwards inherit it, so call it before the middleware starts. `short`: request short time slices
    where SCHED_FIFO is not allowed. They help a process that works far less than a millisecond at a time; others would
    only lose the processor more often.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    except PermissionError:
        pass
    else:
        return f"scheduled in real time, SCHED_FIFO {priority}"
    turns = "; given short turns on a processor" if short and shorten_turns() else ""
    try:
        _prefer()
    except PermissionError:
        return f"no right to real-time scheduling or a negative nice value{turns}; see `async_rl doctor`"
    return f"no right to real-time scheduling; scheduled with nice {_FALLBACK_NICENESS}{turns}"


def isolate(listed: Path = Path("/sys/devices/system/cpu/isolated")) -> str:
    """Moves the process to the processors that the kernel isolates (isolcpus), if there are any."""
    try:
        text = listed.read_text(encoding="utf-8").strip()
    except OSError:
        text = ""
    if not text:
        return "no processor is isolated (isolcpus), so it runs on any"
    ranges = [part.split("-") for part in text.split(",")]
    processors = {i for part in ranges for i in range(int(part[0]), int(part[-1]) + 1)}
    try:
        os.sched_setaffinity(0, processors)
    except OSError as error:
        return f"not allowed on the isolated processors {text} ({error.strerror}), so it runs on any"
    return f"runs on the isolated processors {text}"


def urgent() -> str:
    """Requests nice -10 without real-time scheduling, for long computations that would starve others.

    Takes back `realtime` for this thread and those that it starts from now on.
    """
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    try:
        _prefer()
    except PermissionError:
        return "no right to a negative nice value; see `async_rl doctor`"
    return f"scheduled with nice {_FALLBACK_NICENESS}"


def _prefer() -> None:
    """Sets nice -10 for this thread and for its session. Raises `PermissionError`."""
    os.setpriority(os.PRIO_PROCESS, 0, _FALLBACK_NICENESS)
    _set_session_niceness(_FALLBACK_NICENESS)


def _set_session_niceness(value: int) -> None:
    """Sets the nice value of this process's session, where the kernel has one and the process leads its session.

    A desktop kernel groups processes by session (sched_autogroup). It gives every session the same share of a
    processor, whatever the nice values of its processes, unless the session has a nice value of its own. A process
    without rights may only raise it above 0, and the kernel refuses a second change of any session within 0.1 s.
    """
    if os.getsid(0) != os.getpid() or not _AUTOGROUP.exists():
        return
    end = time.monotonic() + _SESSION_TIMEOUT
    while True:
        try:
            _AUTOGROUP.write_text(str(min(value, _LARGEST_SESSION_NICENESS)), encoding="utf-8")
        except BlockingIOError:
            if time.monotonic() < end:
                time.sleep(_SESSION_RETRY * random.uniform(0.5, 1.5))
                continue
        except OSError:
            pass  # no right
        return


def background() -> str:
    """Sets SCHED_BATCH and nice 19 for this thread and those that it starts from now on.

    Call it after the middleware's threads have started: they share locks with real-time nodes and must not hold one
    while they wait for a processor.
    """
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    return nice(19)


def nice(value: int) -> str:
    """Raises the nice value to `value`; never lowers it."""
    value = max(value, os.getpriority(os.PRIO_PROCESS, 0))
    os.setpriority(os.PRIO_PROCESS, 0, value)
    _set_session_niceness(value)
    return f"scheduled with nice {value}"


def undo_niceness() -> None:
    """Restores the nice value from before `nice` and `background`, for every thread and the session where allowed."""
    _set_session_niceness(_INITIAL_NICENESS)
    for task in os.listdir("/proc/self/task"):
        with suppress(OSError):  # not permitted, or ended meanwhile
            if os.getpriority(os.PRIO_PROCESS, int(task)) > _INITIAL_NICENESS:
                os.setpriority(os.PRIO_PROCESS, int(task), _INITIAL_NICENESS)


def end_with_supervisor(number: int = signal.SIGTERM) -> None:
    """Requests a signal for this process when its supervisor dies for any reason.

    The environment variable ASYNC_RL_SUPERVISED holds the supervisor's process id, or 1 where unknown; without it,
    nothing is requested. Raises OSError where Linux refuses.
    """
    supervisor = os.environ.get("ASYNC_RL_SUPERVISED", "")
    if not supervisor.isdecimal():
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl(PR_SET_PDEATHSIG): {os.strerror(number)}")
    if int(supervisor) not in (1, os.getppid()):  # it died before the request
        os.kill(os.getpid(), number)


def lock_memory() -> str:
    """Locks every page that this process has touched, or will touch, in memory.

    Reading back a page that the kernel evicted, of a library or of the heap, may take 100 ms.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) == 0:
        return "memory is locked"
    reason = os.strerror(ctypes.get_errno())
    return f"memory is not locked ({reason}): a page read from disk may cost a deadline; see `async_rl doctor`"


def freeze_garbage() -> None:
    """Disables automatic garbage collection, and excludes all present objects from later collections.

    The node collects by itself where a pause does not matter.
    """
    gc.collect()
    gc.freeze()
    gc.disable()


class _SchedulingAttributes(ctypes.Structure):
    """Linux's `struct sched_attr`, first version."""

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
    """Asks for short turns on a processor for this thread and those that it starts.

    Needs no rights. Returns whether the kernel grants them; Linux does from 6.12 on.
    """
    numbers = _SCHED_ATTR_CALLS.get(platform.machine())
    if numbers is None:
        return False
    wanted = _SchedulingAttributes(policy=os.SCHED_OTHER, nice=os.getpriority(os.PRIO_PROCESS, 0), runtime=_SHORT_TURN)
    wanted.size = ctypes.sizeof(wanted)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(numbers[0], 0, ctypes.byref(wanted), 0) != 0:
        return False
    given = _SchedulingAttributes()
    failed = libc.syscall(numbers[1], 0, ctypes.byref(given), ctypes.sizeof(given), 0) != 0
    return not failed and bool(given.runtime == _SHORT_TURN)
