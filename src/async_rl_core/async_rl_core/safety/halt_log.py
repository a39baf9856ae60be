"""The late cycles of a real-time loop, which explain a part of another process's silence."""

from collections import deque
from typing import NamedTuple

NOTICED = 0.002
"""Seconds of lateness from which a cycle is recorded."""
KEPT = 64
"""Late cycles that are kept; the silences that they explain are short."""
WORTH_TELLING = 0.005
"""Seconds below which a part of a silence is not reported."""


class Halt(NamedTuple):
    """A time from `start` to `end` in which the loop was due but did not run.

    For `queued` seconds of it, the loop waited for a processor.
    """

    start: float
    end: float
    queued: float


class HaltLog:
    """Records the late cycles of this loop. A real-time loop is late only where the whole machine halts."""

    def __init__(self) -> None:
        self._halts: deque[Halt] = deque(maxlen=KEPT)

    def cycle(self, due: float, now: float, queued: float) -> None:
        """Records a cycle that was due at `due`, began at `now` and waited `queued` seconds for a processor."""
        if now - due > NOTICED:
            self._halts.append(Halt(due, now, min(queued, now - due)))

    def within(self, start: float, end: float) -> tuple[float, float]:
        """Returns the seconds between `start` and `end` of machine halts, and of waiting for a processor."""
        still = queued = 0.0
        for halt in self._halts:
            overlap = min(end, halt.end) - max(start, halt.start)
            if overlap > 0.0:
                share = min(halt.queued, overlap)
                queued += share
                still += overlap - share
        return still, queued

    def explain(self, start: float, end: float) -> str:
        """Returns the result of `within` as text; empty where the loop ran without a halt."""
        still, queued = self.within(start, end)
        parts = []
        if still >= WORTH_TELLING:
            parts.append(f"the whole machine halted for {1000 * still:.0f} ms")
        if queued >= WORTH_TELLING:
            parts.append(f"other processes kept the guard from a processor for {1000 * queued:.0f} ms")
        return " and ".join(parts)
