"""Noticing that whoever commands a robot has fallen silent."""

TIMEOUT = 0.1
"""Seconds without a command; a guard sends one every 8 ms, zeros where nothing is to move."""


class Silence:
    """Tells, once, that commands came and come no more. Times are in seconds of one clock."""

    def __init__(self) -> None:
        self._heard: float | None = None

    def on_command(self, now: float) -> None:
        """Take the arrival of a command."""
        self._heard = now

    def begins(self, now: float) -> bool:
        """Whether the last command is too old; true once for each silence."""
        if self._heard is None or now - self._heard <= TIMEOUT:
            return False
        self._heard = None
        return True
