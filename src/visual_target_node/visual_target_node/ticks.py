"""When to publish."""

import math


class Ticks:
    """Counts periods since the last restart; a late reader sees the newest tick only, and none twice.

    Args:
        period: seconds.
        now: seconds of a steady clock.
    """

    def __init__(self, period: float, now: float) -> None:
        self._period = period
        self.restart(now)

    def restart(self, now: float) -> None:
        """Begin at tick 0."""
        self._start = now
        self._tick = 0

    @property
    def elapsed(self) -> float:
        """Seconds from the restart to the current tick."""
        return self._tick * self._period

    def wait(self, now: float) -> float:
        """Seconds until the next tick; 0 once it is due."""
        return max(0.0, self._start + (self._tick + 1) * self._period - now)

    def advance(self, now: float) -> bool:
        """Move on to the newest tick; false while it is the current one."""
        if self.wait(now) > 0:
            return False
        self._tick = max(self._tick + 1, math.floor((now - self._start) / self._period))
        return True
