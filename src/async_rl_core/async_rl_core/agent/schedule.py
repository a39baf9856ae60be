"""When the agent acts: a grid of deadlines that follows the camera's phase."""

import math

GAIN = 0.1
MAX_SLEW = 0.0005
"""Seconds per frame by which the grid moves at most: a late frame must not drag the deadlines along."""


class Schedule:
    """Deadlines `period` apart, each `margin` after a camera frame is expected.

    The camera's clock is not ours, so the grid is slewed towards the frames' arrivals. Time is in seconds of a
    steady clock; `period` should be a multiple of `frame_period`.
    """

    def __init__(self, period: float, frame_period: float, margin: float, start: float) -> None:
        self.period = period
        self.due = start + period
        self._frame_period = frame_period
        self._margin = margin
        self._locked = False

    def frame_arrived(self, received: float) -> None:
        """Follow the camera: the first frame sets the phase, each later one corrects it a little."""
        half = self._frame_period / 2
        error = (received + self._margin - self.due + half) % self._frame_period - half
        if not self._locked:
            self.due += error
            self._locked = True
        else:
            self.due += min(max(GAIN * error, -MAX_SLEW), MAX_SLEW)

    def advance(self, now: float) -> int:
        """Go to the next deadline after the one that was served; returns the whole cycles that were missed."""
        missed = max(0, math.floor((now - self.due) / self.period))
        self.due += (1 + missed) * self.period
        return missed
