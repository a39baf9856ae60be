"""Composition of the time between two commands of the agent."""

from collections.abc import Callable
from dataclasses import dataclass, field

SHORTEST_SHOWN = 0.001
"""Seconds below which a part of a gap is left out of the description."""


@dataclass
class StageTimes:
    """Seconds of a stage: by the clock, working, and ready to work while other processes had the processor."""

    wall: float = 0.0
    worked: float = 0.0
    queued: float = 0.0

    def __str__(self) -> str:
        parts = [("working", self.worked), ("waiting for a processor", self.queued)]
        told = [f"{name} {_milliseconds(seconds)}" for name, seconds in parts if seconds >= SHORTEST_SHOWN]
        return _milliseconds(self.wall) + (f" ({', '.join(told)})" if told else "")


@dataclass
class CommandGap:
    """The time between two commands.

    Attributes:
        seconds: of the whole.
        overslept: seconds from the deadline to the end of waiting, during which this process did not run.
        stages: what the process did, in order.
        page_reads: pages that were read from disk.
        evictions: times that the kernel gave the processor to another process.
    """

    seconds: float = 0.0
    overslept: float = 0.0
    stages: dict[str, StageTimes] = field(default_factory=dict)
    page_reads: int = 0
    evictions: int = 0

    def __str__(self) -> str:
        parts = [f"{name} {times}" for name, times in self.stages.items() if times.wall >= SHORTEST_SHOWN]
        if self.overslept >= SHORTEST_SHOWN:
            parts.append(f"of waiting {_milliseconds(self.overslept)} past the deadline")
        if self.page_reads:
            parts.append(f"{self.page_reads} pages read from disk")
        if self.evictions:
            parts.append(f"lost the processor {self.evictions} times")
        return f"{_milliseconds(self.seconds)}: {', '.join(parts)}" if parts else _milliseconds(self.seconds)


class GapMeter:
    """Measures each gap between two commands by the stages of the loop, and keeps the longest.

    Args:
        now: time of the loop's clock, in seconds.
        processor: seconds that this thread worked and was queued, since its start.
        switches: pages read from disk, and involuntary context switches of this thread, since its start.

    Attributes:
        last: the newest gap.
        before: the one before it.
        longest: longest of the gaps that counted.
    """

    def __init__(
        self, now: float, processor: Callable[[], tuple[float, float]], switches: Callable[[], tuple[int, int]]
    ) -> None:
        self.last = self.before = CommandGap()
        self.longest = CommandGap()
        self._processor, self._switches = processor, switches
        self._marked = self._sent = now
        self._worked, self._queued = processor()
        self._page_reads, self._evictions = switches()
        self._current = CommandGap()

    def mark(self, stage: str, now: float) -> None:
        """Assigns the time since the last mark to `stage`."""
        worked, queued = self._processor()
        times = self._current.stages.setdefault(stage, StageTimes())
        times.wall += now - self._marked
        times.worked += worked - self._worked
        times.queued += queued - self._queued
        self._marked, self._worked, self._queued = now, worked, queued

    def overslept(self, seconds: float) -> None:
        """Adds the seconds by which waiting ended too late."""
        self._current.overslept += max(0.0, seconds)

    def sent(self, now: float, counts: bool) -> None:
        """Closes the gap with a command; only a gap that `counts` may become the longest."""
        gap, self._current = self._current, CommandGap()
        gap.seconds, self._sent = now - self._sent, now
        page_reads, evictions = self._switches()
        gap.page_reads, gap.evictions = page_reads - self._page_reads, evictions - self._evictions
        self._page_reads, self._evictions = page_reads, evictions
        self.before, self.last = self.last, gap
        if counts and gap.seconds > self.longest.seconds:
            self.longest = gap


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"
