"""Gaps in the commands to an arm that moves, in words."""

from async_rl_core.robots.controller import VelocityController


class CommandGaps:
    """Reports each gap in which a moving arm was stopped, once at its start and once at its end.

    A gap after a command of zero is none: the arm rests already, as before the first arming.
    """

    def __init__(self, controller: VelocityController) -> None:
        self._controller = controller
        self._last: float | None = None
        """When the last command before the gap came; None outside a gap."""

    def started(self, now: float) -> str:
        """A line if a gap has begun since the last call, else nothing."""
        controller = self._controller
        if self._last is not None or not (controller.moving and controller.ceased(now)):
            return ""
        self._last = now - controller.silence(now)
        return f"no command for {in_words(controller.silence(now))}; stopping the arm"

    def ended(self, now: float) -> str:
        """A line for the command that has just been taken, if it ends a gap."""
        if self._last is None:
            return ""
        gap, self._last = now - self._last, None
        return f"commands again after {in_words(gap)}; the arm follows them"


def in_words(seconds: float) -> str:
    """A duration in ms below a second, else in s."""
    return f"{1e3 * seconds:.0f} ms" if seconds < 1.0 else f"{seconds:.1f} s"
