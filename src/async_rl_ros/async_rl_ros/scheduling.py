"""How the kernel treats a node's process. Each function says in one line what came of it, for the node's log."""

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
_SESSION_TIMEOUT, _SESSION_RETRY = 2.0, 0.1  # seconds to change the nice value of a session, and between two attempts
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4


def realtime(priority: int, short: bool = False) -> str:
    """Run before everything that is not real-time: SCHED_FIFO at `priority`, else nice -10, else as it is.

    Threads started afterwards inherit it, so call it before the middleware starts. `short`: the process works for far
    less than a millisecond at a time, so that without real time short turns on a processor help it. One that works for
    longer would only lose the processor more often.
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
    """Run on the processors that the kernel keeps free of everything else (isolcpus), where there are any."""
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
    """Run before ordinary processes, and after those in real time: nice -10, else as it is.

    For what computes so long that in real time it would starve everything else. Takes `realtime` back for this thread
    and those that it starts from now on.
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
            _AUTOGROUP.write_text(str(value), encoding="utf-8")
        except BlockingIOError:
            if time.monotonic() < end:
                time.sleep(_SESSION_RETRY * random.uniform(0.5, 1.5))
                continue
        except OSError:
            pass  # no right
        return


def background() -> str:
    """Run when nothing else wants to: SCHED_BATCH, nice 19. For this thread, and those that it starts from now on.

    Call it once the middleware's threads run: they share locks with those of real-time nodes, and must not hold one
    while they wait for the processor.
    """
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    return nice(19)


def nice(value: int) -> str:
    """Yield to processes of a smaller nice value; never asks for a smaller one than the process has."""
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
    """SIGTERM, or another signal, for this process when the bring-up that started it dies, however that dies.

    Asked for by the environment variable ASYNC_RL_SUPERVISED, which holds the bring-up's process id, or 1 where that
    is not known. Raises OSError where Linux refuses.
    """
    supervisor = os.environ.get("ASYNC_RL_SUPERVISED", "")
    if not supervisor.isdecimal():
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl(PR_SET_PDEATHSIG): {os.strerror(number)}")
    if int(supervisor) not in (1, os.getppid()):  # it died before we asked
        os.kill(os.getpid(), number)


def lock_memory() -> str:
    """Keep every page that this process has touched, or will touch, in memory.

    A page that the kernel took back, of a library as well as of the heap, costs a read from disk when it is next
    needed: 100 ms in which no deadline is met.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) == 0:
        return "memory is locked"
    reason = os.strerror(ctypes.get_errno())
    return f"memory is not locked ({reason}): a page read from disk may cost a deadline; see `async_rl doctor`"


def freeze_garbage() -> None:
    """No collection from now on, and none ever of what exists now; a node collects where a pause does not matter."""
    gc.collect()
    gc.freeze()
    gc.disable()


class _SchedulingAttributes(ctypes.Structure):
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
