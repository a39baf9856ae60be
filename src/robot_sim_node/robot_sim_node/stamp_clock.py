"""ROS time of moments on the steady clock."""

import time
from collections.abc import Callable


class StampClock:
    """ROS system time of moments on the steady clock, as regular as these are.

    Read one after the other, the two clocks differ by any interruption of the process in between; the offset is taken
    from the tightest of several readings. Call `measure` from time to time, since the system clock may be adjusted.
    """

    def __init__(
        self, steady: Callable[[], int] = time.monotonic_ns, system: Callable[[], int] = time.time_ns, readings: int = 5
    ) -> None:
        self._steady = steady
        self._system = system
        self._readings = readings
        self.measure()

    def measure(self) -> None:
        """Measures the offset between the clocks again."""
        self._offset = min(self._reading() for _ in range(self._readings))[1]

    def stamp(self, steady: float) -> int:
        """Returns the nanoseconds since the epoch of a moment in seconds on the steady clock."""
        return round(steady * 1e9) + self._offset

    def _reading(self) -> tuple[int, int]:
        before = self._steady()
        system = self._system()
        after = self._steady()
        return after - before, system - (before + after) // 2
