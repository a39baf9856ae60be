"""How long a real-time loop did not run although it was due: what a silence of another process is partly made of."""

from collections import deque
from typing import NamedTuple

NOTICED = 0.002
"""Seconds by which a cycle is late to be noted: less happens to every loop."""
KEPT = 64
"""Late cycles that are kept: the silences that they explain are short."""
WORTH_TELLING = 0.005
"""Seconds below which a part of a silence is not mentioned."""


class Halt(NamedTuple):
    """From `start` to `end` the loop was due and did not run; for `queued` seconds of it, it waited for a processor."""

    start: float
    end: float
    queued: float


class Halts:
    """The late cycles of this loop. A loop in real time is late only where the whole machine stands still."""

    def __init__(self) -> None:
        self._halts: deque[Halt] = deque(maxlen=KEPT)

    def cycle(self, due: float, now: float, queued: float) -> None:
        """Note a cycle that was due at `due` and began at `now`; it waited for a processor for `queued` seconds."""
        if now - due > NOTICED:
            self._halts.append(Halt(due, now, min(queued, now - due)))

    def within(self, start: float, end: float) -> tuple[float, float]:
        """Seconds between `start` and `end` in which the machine stood still, and in which others had the processor."""
        still = queued = 0.0
        for halt in self._halts:
            overlap = min(end, halt.end) - max(start, halt.start)
            if overlap > 0.0:
                share = min(halt.queued, overlap)
                queued += share
                still += overlap - share
        return still, queued

    def explain(self, start: float, end: float) -> str:
        """The same in words; empty where the loop ran all the time."""
        still, queued = self.within(start, end)
        parts = []
        if still >= WORTH_TELLING:
            parts.append(f"the whole machine halted for {1000 * still:.0f} ms")
        if queued >= WORTH_TELLING:
            parts.append(f"other processes kept the guard from a processor for {1000 * queued:.0f} ms")
        return " and ".join(parts)
