"""When a loop runs: a grid of deadlines that follows the phase of what it works on."""

import math

GAIN = 0.1
MAX_SLEW = 0.0005
"""Seconds per arrival by which the grid moves at most: a late arrival must not drag the deadlines along."""


class Schedule:
    """Deadlines `period` apart, each `margin` after an arrival is expected: of a camera frame, or of a command.

    The sender's clock is not ours, so the grid is slewed towards the arrivals. Those come every `arrival_period`, or
    a multiple of it; `period` should be a multiple of `arrival_period` too. Seconds of a steady clock.
    """

    def __init__(self, period: float, arrival_period: float, margin: float, start: float) -> None:
        self.period = period
        self.due = start + period
        self._arrival_period = arrival_period
        self._margin = margin
        self._locked = False

    def follow(self, arrival: float) -> None:
        """Follow the sender: the first arrival sets the phase, each later one corrects it a little."""
        half = self._arrival_period / 2
        error = (arrival + self._margin - self.due + half) % self._arrival_period - half
        if not self._locked:
            self.due += error
            self._locked = True
        else:
            self.due += min(max(GAIN * error, -MAX_SLEW), MAX_SLEW)

    def postpone(self) -> None:
        """An arrival came after its deadline, who knows when: wait a little longer for the next one.

        A process that works from each deadline on sees such an arrival only when it is done. Were it ignored, the
        grid could rest for ever just before the arrivals, and every cycle act on the frame of the one before.
        """
        self.due += MAX_SLEW

    def advance(self, now: float) -> int:
        """Go to the next deadline after the one that was served; returns the whole cycles that were missed."""
        missed = max(0, math.floor((now - self.due) / self.period))
        self.due += (1 + missed) * self.period
        return missed
