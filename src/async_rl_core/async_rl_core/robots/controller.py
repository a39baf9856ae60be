"""What a robot makes of velocity commands, well-formed or not."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class VelocityController:
    """Commands in, the velocity to follow out, for `joints` joints in command order.

    The semantics are those of ros2_controllers' `JointGroupVelocityController`: the last command persists, an empty
    command or one with a NaN or an infinity is dropped, one of the wrong length deactivates the controller until
    `activate`. What that lacks is here: after `timeout` seconds without a command there is nothing to follow. Every
    time is in seconds of one clock.

    Attributes:
        resuming: the newest command ended such a gap, or one before it did, and `resumed` has not been called since.
            Until then the arm may only speed up as slowly as in ordinary motion.
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
        """Seconds since the last command that was taken; infinite before the first."""
        return now - self._commanded_at

    @property
    def expires(self) -> float:
        """Until when the last command is followed."""
        return self._commanded_at + self.timeout if self.active else -math.inf

    def ceased(self, now: float) -> bool:
        """Whether commands came, and come no more."""
        return self.active and -math.inf < self.expires < now

    def command(self, velocity: Sequence[float] | Array, now: float) -> bool:
        """Take a command (rad/s); False if it was dropped."""
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
        """The arm follows the commands again."""
        self.resuming = False

    def wanted(self, now: float) -> Array | None:
        """The velocity (joints,) to follow; None: come to rest."""
        return self._command if now <= self.expires else None

    def deactivate(self) -> None:
        """Follow nothing until `activate`."""
        self.active = False

    def activate(self) -> None:
        """Follow commands again, from the next one on."""
        if not self.active:
            self._commanded_at = -math.inf
        self.active = True
