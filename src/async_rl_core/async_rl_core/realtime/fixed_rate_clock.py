"""Ticks of a fixed period."""

import math

ROUNDING = 1e-9
"""Periods by which rounding may make a tick look early."""


class FixedRateClock:
    """Counts the ticks of a fixed period since `origin`. A late caller sees the newest tick only, and none twice.

    Args:
        period: seconds from one tick to the next.
        origin: time of tick 0, in seconds of a steady clock.
    """

    def __init__(self, period: float, origin: float) -> None:
        self.period = period
        self.restart(origin)

    def restart(self, now: float) -> None:
        """Makes `now` the time of tick 0."""
        self.origin = now
        self.tick = 0

    @property
    def elapsed(self) -> float:
        """Seconds from the origin to the current tick."""
        return self.tick * self.period

    @property
    def due(self) -> float:
        """Time of the next tick."""
        return self.origin + (self.tick + 1) * self.period

    def wait(self, now: float) -> float:
        """Returns the seconds until the next tick, 0 if it is due."""
        return max(0.0, self.due - now)

    def advance(self, now: float) -> int:
        """Moves to the newest tick that is due and returns how many ticks that is: 0 while the next is not due."""
        if now < self.due:
            return 0
        passed = max(1, math.floor((now - self.origin) / self.period + ROUNDING) - self.tick)
        self.tick += passed
        return passed

    def hold(self, seconds: float) -> None:
        """Leaves `seconds` out, in which the process did not run: the next tick is due that much later."""
        self.origin += seconds
