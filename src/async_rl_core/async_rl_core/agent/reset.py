"""The motion back to the start pose between two episodes, by velocity commands."""

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

PEAK = 1.875
"""Peak velocity of a minimum-jerk motion of unit length and unit duration."""
GAIN = 4.0
"""Gain in 1/s that pulls the arm onto the profile, and onto the start pose after it."""
TOLERANCE = 0.01
"""Distance in rad at which the start pose counts as reached."""
SHORTEST = 0.5
"""Minimum duration in seconds, so that a reset from near the start pose is not abrupt."""


class ResetMotion:
    """A minimum-jerk profile from `origin` to `goal` (rad) whose fastest joint stays below `max_velocity` (rad/s).

    It lasts `duration` seconds, or longer where the distance requires it. `cycle` is the time in seconds for which a
    velocity is held: an error is not corrected faster than within one cycle.
    """

    def __init__(
        self, origin: Vector, goal: Vector, max_velocity: float, duration: float, now: float, cycle: float
    ) -> None:
        self._origin = origin.copy()
        self._goal = goal.copy()
        self._way = goal - origin
        self._start = now
        self._max_velocity = max_velocity
        self._gain = min(GAIN, 1.0 / cycle)
        self.duration = max(SHORTEST, duration, PEAK * float(np.abs(self._way).max()) / max_velocity)

    def velocity(self, now: float, position: Vector) -> Vector:
        """Returns the velocity (n,) in rad/s to command at `now` with the joints at `position`."""
        s = min(max((now - self._start) / self.duration, 0.0), 1.0)
        reference = self._origin + self._way * (s**3 * (10 - 15 * s + 6 * s**2))
        feed_forward = self._way * (30 * s**2 * (1 - s) ** 2 / self.duration)
        velocity: Vector = np.clip(
            feed_forward + self._gain * (reference - position), -self._max_velocity, self._max_velocity
        )
        return velocity

    def arrived(self, position: Vector) -> bool:
        """Returns whether every joint is at the goal."""
        return bool(np.abs(position - self._goal).max() < TOLERANCE)


class ResetPath:
    """Motions from `origin` through `poses` (rad), of which the last is the goal, in about `duration` seconds.

    `max_velocity` and `cycle` are as those of a `ResetMotion`.
    """

    def __init__(
        self, origin: Vector, poses: Sequence[Vector], max_velocity: float, duration: float, now: float, cycle: float
    ) -> None:
        self._poses = deque(poses)
        self._limits = max_velocity, duration / len(poses)
        self._cycle = cycle
        self._begin(origin, now)

    def _begin(self, origin: Vector, now: float) -> None:
        self._motion = ResetMotion(origin, self._poses.popleft(), *self._limits, now, self._cycle)
        self._end = now + self._motion.duration

    def velocity(self, now: float, position: Vector) -> Vector:
        """Returns the velocity (n,) in rad/s to command at `now` with the joints at `position`."""
        if now >= self._end and self._poses:
            self._begin(position, now)
        return self._motion.velocity(now, position)

    def arrived(self, position: Vector) -> bool:
        """Returns whether every joint is at the last pose."""
        return not self._poses and self._motion.arrived(position)
