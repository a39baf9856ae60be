"""Log lines about gaps in the commands to a moving arm."""

from async_rl_core.robots.controller import VelocityController


class CommandGaps:
    """Reports each gap in which a moving arm is stopped, once at its start and once at its end.

    A gap after a command of zero is not reported: the arm is at rest already.
    """

    def __init__(self, controller: VelocityController) -> None:
        self._controller = controller
        self._last: float | None = None
        """Time of the last command before the gap; None outside a gap."""

    def started(self, now: float) -> str:
        """Returns a line if a gap has begun since the last call, otherwise an empty one."""
        controller = self._controller
        if self._last is not None or not (controller.moving and controller.ceased(now)):
            return ""
        self._last = now - controller.silence(now)
        return f"no command for {in_words(controller.silence(now))}; stopping the arm"

    def ended(self, now: float) -> str:
        """Returns a line if the command just accepted ends a gap, otherwise an empty one."""
        if self._last is None:
            return ""
        gap, self._last = now - self._last, None
        return f"commands again after {in_words(gap)}; the arm follows them"


def in_words(seconds: float) -> str:
    """Returns a duration in ms below one second, otherwise in s."""
    return f"{1e3 * seconds:.0f} ms" if seconds < 1.0 else f"{seconds:.1f} s"
