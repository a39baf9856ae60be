"""Noticing that whoever commands a robot has fallen silent while the robot moves."""

import math

TIMEOUT = 0.1
"""Seconds without a command; a guard sends one every 8 ms, zeros where nothing is to move."""
AGAIN = 0.2
"""Seconds until a stop that nobody has confirmed is asked for again."""


class CommandWatchdog:
    """Tells when a robot that follows its last command for ever has to be stopped by another. Seconds of one clock.

    Attributes:
        moving: the last command moves the robot, and nobody has stopped it since.
    """

    def __init__(self) -> None:
        self.moving = False
        self._due = math.inf

    def on_command(self, now: float, moving: bool) -> None:
        """Take the arrival of a command, and whether it moves the robot."""
        self.moving = moving
        self._due = now + TIMEOUT

    def asks(self, now: float) -> bool:
        """Whether to ask for the stop now: once the silence has begun, and again and again until `settle`."""
        if not self.moving or now <= self._due:
            return False
        self._due = now + AGAIN
        return True

    def settle(self) -> None:
        """The robot has been stopped."""
        self.moving = False
