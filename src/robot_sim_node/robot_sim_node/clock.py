"""The beat of the robot's loop, and what ROS calls its times."""

import math
import time
from collections.abc import Callable


class FixedRateClock:
    """Ticks of a fixed period on the steady clock, counted from `origin`. All times in seconds."""

    def __init__(self, period: float, origin: float) -> None:
        self.period = period
        self.origin = origin
        self.tick = 0

    @property
    def elapsed(self) -> float:
        """Time of the present tick since the origin."""
        return self.tick * self.period

    @property
    def due(self) -> float:
        """When the next tick is."""
        return self.origin + (self.tick + 1) * self.period

    def advance(self, now: float) -> int:
        """Go to the last tick that is due at `now`; how many were missed on the way."""
        latest = math.floor((now - self.origin) / self.period + 1e-9)
        missed = latest - self.tick - 1
        self.tick = latest
        return max(missed, 0)

    def hold(self, seconds: float) -> None:
        """Let the time that a halted process lost not count."""
        self.origin += seconds


class StampClock:
    """ROS system time of moments on the steady clock, as regular as these are.

    Read one after the other, the two clocks differ by whatever interrupts the process in between; the offset is taken
    from the tightest of several readings. `measure` again now and then, for the system clock may be adjusted.
    """

    def __init__(
        self, steady: Callable[[], int] = time.monotonic_ns, system: Callable[[], int] = time.time_ns, readings: int = 5
    ) -> None:
        self._steady = steady
        self._system = system
        self._readings = readings
        self.measure()

    def measure(self) -> None:
        """Take the offset between the clocks anew."""
        self._offset = min(self._reading() for _ in range(self._readings))[1]

    def stamp(self, steady: float) -> int:
        """Nanoseconds since the epoch of a moment in seconds on the steady clock."""
        return round(steady * 1e9) + self._offset

    def _reading(self) -> tuple[int, int]:
        before = self._steady()
        system = self._system()
        after = self._steady()
        return after - before, system - (before + after) // 2
