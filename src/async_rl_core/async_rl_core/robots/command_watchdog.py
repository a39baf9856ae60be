"""A watchdog for the commands to a moving robot."""

import math

TIMEOUT = 0.1
"""Seconds without a command until a stop is requested; the guard sends one every 8 ms, also zeros."""
REPEAT = 0.2
"""Seconds until a stop that was not confirmed is requested again."""


class CommandWatchdog:
    """Decides when a robot that keeps following its last command has to be stopped. Times are in seconds of one clock.

    Attributes:
        moving: whether the last command moves the robot and no stop was confirmed since.
    """

    def __init__(self) -> None:
        self.moving = False
        self._due = math.inf

    def on_command(self, now: float, moving: bool) -> None:
        """Takes the arrival of a command, and whether it moves the robot."""
        self.moving = moving
        self._due = now + TIMEOUT

    def must_stop(self, now: float) -> bool:
        """Returns whether to request a stop now; repeatedly from the timeout until `confirm_stop`."""
        if not self.moving or now <= self._due:
            return False
        self._due = now + REPEAT
        return True

    def confirm_stop(self) -> None:
        """Takes the confirmation that the robot was stopped."""
        self.moving = False
