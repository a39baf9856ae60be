"""Tells how far the start of a run is, stage by stage, with the seconds since the command was given."""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from async_rl_core.bringup.process.link import ARMED, LOADED, MOVING, UP

_SLOWEST = 3
"""Nodes that a line names."""
_OF_ALL = {LOADED: "libraries loaded", UP: "models loaded, all nodes up"}
_OF_THE_GUARD = {ARMED: "armed", MOVING: "the arm moves"}


class StartStages:
    """Says a line for each stage that is complete, and which nodes took longest for it.

    Args:
        names: the nodes that report.
        late: the nodes that start late; each has a line of its own.
        began: when the command was given, in seconds of the steady clock.
        say: takes the lines.
    """

    def __init__(self, names: Iterable[str], late: Iterable[str], began: float, say: Callable[[str], object]) -> None:
        self._names, self._late = set(names), set(late)
        self._began, self._say = began, say
        self._started: dict[str, float] = {}
        self._reached: dict[str, dict[str, float]] = {stage: {} for stage in _OF_ALL}
        self._open = {*_OF_ALL, *_OF_THE_GUARD}

    def start(self, name: str, now: float) -> None:
        """Notes that a node's process was started; only the first time counts."""
        self._started.setdefault(name, now)

    def all_started(self, now: float) -> None:
        """Notes that the last process was started."""
        self._tell(now, f"checks done, {len(self._started)} processes started")

    def report(self, name: str, stage: str, now: float) -> None:
        """Notes a report of a node."""
        if stage == UP and name in self._late:
            self._late.discard(name)
            self._tell(now, f"{name} up")
        if stage not in self._open:
            return
        if stage in _OF_THE_GUARD:
            self._close(stage, now, _OF_THE_GUARD[stage])
        elif name in self._names:
            reached = self._reached[stage]
            reached.setdefault(name, now - self._started.get(name, now))
            if len(reached) == len(self._names):
                slowest = sorted(reached.items(), key=lambda item: -item[1])[:_SLOWEST]
                words = ", ".join(f"{node} {seconds:.1f} s" for node, seconds in slowest)
                self._close(stage, now, f"{_OF_ALL[stage]} (slowest: {words})")

    def _close(self, stage: str, now: float, text: str) -> None:
        self._open.discard(stage)
        self._tell(now, text)

    def _tell(self, now: float, text: str) -> None:
        self._say(f"{now - self._began:5.1f} s  {text}")


def command_start() -> float:
    """Returns when this process started, in seconds of the steady clock; now, if the kernel does not tell."""
    now = time.monotonic()
    try:
        stat = Path("/proc/self/stat").read_text(encoding="utf-8")
        started = int(stat[stat.rindex(")") + 2 :].split()[19]) / os.sysconf("SC_CLK_TCK")
        return now - max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started)
    except (OSError, ValueError, IndexError):
        return now
