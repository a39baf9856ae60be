"""Deadlines of a loop that follow the phase of its input."""

import math

GAIN = 0.1
MAX_SLEW = 0.0005
"""Largest correction of the grid per arrival, in seconds: a late arrival must not drag the deadlines along."""


class Schedule:
    """Deadlines `period` apart, each `margin` after the expected arrival of an input: a camera frame or a command.

    The sender has a clock of its own, so the grid is slewed towards the arrivals. An input arrives every
    `arrival_period` or a multiple of it; `period` should be a multiple of `arrival_period` too. All times are in
    seconds of one clock.

    A cycle that is more than `restart_after` late restarts the grid: the next deadline is a whole period after it.
    """

    def __init__(
        self, period: float, arrival_period: float, margin: float, start: float, restart_after: float = math.inf
    ) -> None:
        self.period = period
        self.due = start + period
        self._arrival_period = arrival_period
        self._margin = margin
        self._restart_after = restart_after
        self._locked = False

    def follow(self, arrival: float) -> None:
        """Follows the sender: the first arrival sets the phase, each later one corrects it a little."""
        half = self._arrival_period / 2
        error = (arrival + self._margin - self.due + half) % self._arrival_period - half
        if not self._locked:
            self.due += error
            self._locked = True
        else:
            self.due += min(max(GAIN * error, -MAX_SLEW), MAX_SLEW)

    def postpone(self) -> None:
        """Moves the grid a little later, after an arrival that came at an unknown time past its deadline.

        A process that works from each deadline on sees such an arrival only when its work is done. Without this
        correction the grid could stay just before the arrivals, and every cycle would act on the previous frame.
        """
        self.due += MAX_SLEW

    def advance(self, now: float) -> int:
        """Moves to the next deadline after the one just served; returns the number of whole cycles missed."""
        late = now - self.due
        missed = max(0, math.floor(late / self.period))
        self.due = now + self.period if late > self._restart_after else self.due + (1 + missed) * self.period
        return missed
