"""The clock that a loop runs by: steady in real runs, virtual in simulated time."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time in seconds; it never goes back."""

    def now(self) -> float:
        """Returns the time in seconds since an arbitrary origin."""


class SteadyClock:
    """The computer's steady clock."""

    def now(self) -> float:
        """Returns the seconds of the steady clock."""
        return time.monotonic()


class VirtualClock:
    """A clock that stands still until the simulation moves it."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def now(self) -> float:
        """Returns the simulated seconds."""
        return self._now

    def advance_to(self, time: float) -> None:
        """Moves the clock on. Raises `ValueError` where `time` is in the past."""
        if time < self._now:
            raise ValueError(f"a clock cannot go back from {self._now:g} s to {time:g} s")
        self._now = time
