"""The velocity controller on the robot's side."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class VelocityController:
    """Turns commands into the velocity to follow, for `joints` joints in command order.

    It behaves as `JointGroupVelocityController` of ros2_controllers: the last command persists; an empty command, or
    one with a value that is not finite, is dropped; one of the wrong length deactivates the controller until
    `activate`. In addition, no velocity is followed after `timeout` seconds without a command. Times are in seconds of
    one clock.

    Attributes:
        timeout: seconds.
        active: whether commands are followed.
        dropped: number of commands that were dropped.
        resuming: a command ended such a gap, and `resumed` was not called since. Until then the arm may only speed up
            as in ordinary motion.
    """

    def __init__(self, joints: int, timeout: float) -> None:
        self.timeout = timeout
        self.active = True
        self.dropped = 0
        self.resuming = False
        self._command: Array = np.zeros(joints)
        self._commanded_at = -math.inf

    @property
    def moving(self) -> bool:
        """Whether the last command moves a joint."""
        return bool(self._command.any())

    def silence(self, now: float) -> float:
        """Returns the seconds since the last accepted command; infinite before the first."""
        return now - self._commanded_at

    @property
    def expires(self) -> float:
        """Time until which the last command is followed."""
        return self._commanded_at + self.timeout if self.active else -math.inf

    def ceased(self, now: float) -> bool:
        """Returns whether commands came before, but none within the timeout."""
        return self.active and -math.inf < self.expires < now

    def command(self, velocity: Sequence[float] | Array, now: float) -> bool:
        """Takes a command in rad/s. Returns whether it was accepted."""
        values = np.asarray(velocity, dtype=np.float64)
        if values.size and values.shape != self._command.shape:
            self.deactivate()
        if not self.active or values.size == 0 or not np.isfinite(values).all():
            self.dropped += 1
            return False
        self.resuming = self.resuming or self.ceased(now)
        self._command = values.copy()
        self._commanded_at = now
        return True

    def resumed(self) -> None:
        """Confirms that the arm follows the commands again."""
        self.resuming = False

    def wanted(self, now: float) -> Array | None:
        """Returns the velocity (joints,) in rad/s to follow, or None to come to rest."""
        return self._command if now <= self.expires else None

    def deactivate(self) -> None:
        """Follows no command until `activate`."""
        self.active = False

    def activate(self) -> None:
        """Follows commands again, beginning with the next one."""
        if not self.active:
            self._commanded_at = -math.inf
        self.active = True
