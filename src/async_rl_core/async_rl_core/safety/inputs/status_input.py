"""The robot's status as its driver reports it."""

import math

STATUS_TIMEOUT = 0.5
"""Seconds without a status, of which ten come per second, after which the robot counts as not ready."""


class StatusInput:
    """Keeps the newest status: modes, program, controller. `expected`: whether the robot has a driver."""

    def __init__(self, expected: bool) -> None:
        self._expected = expected
        self._cause = ""
        self._received = -math.inf

    def take(self, now: float, ready: bool, cause: str) -> None:
        """Stores a status."""
        self._cause = "" if ready else cause or "no cause given"
        self._received = now

    def missing(self, now: float) -> str | None:
        """Returns the reason why the robot does not follow commands, or None."""
        if not self._expected:
            return None
        if now - self._received > STATUS_TIMEOUT:
            return "no fresh robot_status"
        return f"the robot is not ready: {self._cause}" if self._cause else None
