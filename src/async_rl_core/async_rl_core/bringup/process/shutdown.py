"""Tells a process that still saves its data at the end from one that hangs."""

import os
from collections import deque
from contextlib import suppress
from pathlib import Path

LOOK_PERIOD = 0.25
"""Seconds between two looks at a process."""
LONGEST_END = 300.0
"""Seconds after which even a process that still works is killed."""
WORKING_SHARE = 0.25
"""Share of looks, over the grace time, at which a process that makes progress is found at work."""

_AT_WORK = "RD"  # running or waiting for a processor; waiting for a disk


class ShutdownWatch:
    """Follows one process from the request to end, by the kernel's states of its threads and by its own reports.

    A thread that runs, waits for a processor or waits for a disk is at work, however slowly. A process whose threads
    all sleep is not.

    Args:
        pid: the process.
        now: seconds of a steady clock, of this and of every later call.
        grace: seconds without work, or a report, after which the process counts as hung.
    """

    def __init__(self, pid: int, now: float, grace: float) -> None:
        self._pid, self._grace = pid, grace
        self._began = self._reported = now
        self._looks: deque[tuple[float, bool]] = deque()
        self.task = ""
        """The last report of what the process is doing."""

    def look(self, now: float) -> None:
        """Notes whether the process is at work."""
        self._looks.append((now, is_at_work(self._pid)))
        while self._looks[0][0] < now - self._grace:
            self._looks.popleft()

    def report(self, task: str, now: float) -> None:
        """Notes the report of the process about its present task."""
        self.task, self._reported = task, now

    def is_hung(self, now: float) -> bool:
        """Returns whether the process has made no progress for the grace time, or takes longer than any may."""
        if now - self._began >= LONGEST_END:
            return True
        if now - self._reported < self._grace:
            return False
        working = sum(at_work for _, at_work in self._looks)
        return working < WORKING_SHARE * len(self._looks) or not self._looks


def is_at_work(pid: int) -> bool:
    """Returns whether a thread of the process runs, waits for a processor or waits for a disk."""
    for task in _tasks(pid):
        with suppress(OSError):  # the thread ended meanwhile
            stat = (task / "stat").read_text(encoding="utf-8")
            if stat[stat.rindex(")") + 2] in _AT_WORK:
                return True
    return False


def prefer(pid: int) -> None:
    """Gives a process's threads the nice value of this process, where that is allowed: others wait for its end."""
    own = os.getpriority(os.PRIO_PROCESS, 0)
    for task in _tasks(pid):
        with suppress(OSError):  # not permitted, or ended meanwhile
            if os.getpriority(os.PRIO_PROCESS, int(task.name)) > own:
                os.setpriority(os.PRIO_PROCESS, int(task.name), own)


def _tasks(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []
