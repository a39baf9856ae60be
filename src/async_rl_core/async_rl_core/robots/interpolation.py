"""Interpolation of velocity commands at a drive's faster rate."""

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.schema import RobotLimits

Array = NDArray[np.float64]

STILL = 1e-6
"""rad/s below which a joint counts as at rest."""


class Interpolation:
    """Computes velocities at the drive's rate within the limits of velocity, `stop_acceleration` and `jerk`.

    Each command is approached along a straight line until the next one is due, so that steps become a ramp. The line
    is followed as fast as the limits allow and without overshoot: the acceleration is the largest that can still be
    reduced to zero, cycle by cycle, when the line is reached.

    Args:
        limits: per joint, in command order.
        period: of the drive, in seconds.
        command_period: from one command to the next, in seconds.

    Attributes:
        velocity: (n,) rad/s, the drive's last.
        acceleration: (n,) rad/s^2, of the last cycle.
    """

    def __init__(self, limits: RobotLimits, period: float, command_period: float) -> None:
        self._period = period
        self._steps = max(1, round(command_period / period))
        self._limit = np.array(limits.velocity)
        self._acceleration = np.array(limits.stop_acceleration)
        self._speeding_up = np.array(limits.acceleration)
        self._change = np.array(limits.jerk) * period
        """Of the acceleration, in one cycle at most."""
        self.velocity: Array = np.zeros_like(self._limit)
        self.acceleration: Array = np.zeros_like(self._limit)
        self._goal = self._line = self._slope = np.zeros_like(self._limit)
        self._left = 0
        self._braking = True
        self._gently = False

    @property
    def at_rest(self) -> bool:
        """Whether the joints are at rest and no motion is commanded."""
        return bool(np.abs(self.velocity).max() < STILL and not self._goal.any())

    def command(self, velocity: Array, gently: bool = False) -> None:
        """Moves to `velocity` (n,) in rad/s, finite. `gently`: with at most `limits.acceleration` until it is reached.

        Consecutive commands need no such limit, because their sender keeps it. After a gap the drive may be slower
        than the sender assumes.
        """
        self._gently = self._gently or gently
        self._goal = np.clip(velocity, -self._limit, self._limit)
        if self._braking:
            self._line, self._braking = self.velocity, False
        self._slope = (self._goal - self._line) / self._steps
        self._left = self._steps

    def brake(self) -> None:
        """Comes to rest as fast as the limits allow."""
        self._goal = self._line = np.zeros_like(self._limit)
        self._left = 0
        self._braking = True

    def resume(self, velocity: Array, acceleration: Array) -> None:
        """Continues from the velocity and acceleration (n,) that the drive reports after a gap."""
        self.velocity, self.acceleration = velocity.copy(), acceleration.copy()

    def step(self) -> Array:
        """Returns the velocity (n,) in rad/s for the next cycle, a new array."""
        if self._left:
            self._left -= 1
            self._line = self._goal if self._left == 0 else self._line + self._slope
        wanted = self._reaching((self._line - self.velocity) / self._period)
        within = np.clip(wanted, self.acceleration - self._change, self.acceleration + self._change)
        wanted = np.clip(within, -self._acceleration, self._acceleration)
        self.acceleration = self._gentle(wanted) if self._gently else wanted
        self.velocity = self.velocity + self.acceleration * self._period
        return self.velocity

    def _gentle(self, acceleration: Array) -> Array:
        """Returns the acceleration (n,) that keeps joints which speed up within the ordinary limit, if jerk allows."""
        self._gently = bool(self._left or np.abs(self._line - self.velocity).max() > STILL)
        forwards = np.sign(self._line)
        limit = np.maximum(self._speeding_up, forwards * self.acceleration - self._change)
        gentle: Array = np.where(forwards * acceleration > limit, forwards * limit, acceleration)
        return gentle

    def _reaching(self, distance: Array) -> Array:
        """Returns the acceleration that, reduced by one `change` per cycle, sums up to `distance` (rad/s^2).

        In n cycles these are a, a - change ... a - (n - 1) change, where n is the least that is enough.
        """
        total = np.abs(distance) / self._change
        cycles = np.maximum(np.ceil((np.sqrt(1.0 + 8.0 * total) - 1.0) / 2.0), 1.0)
        return np.sign(distance) * self._change * (total / cycles + (cycles - 1.0) / 2.0)
