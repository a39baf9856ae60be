"""Detects motion of an arm that is commanded to rest."""

import math
from collections.abc import Sequence

from async_rl_core.config.schema import RobotConfig
from async_rl_core.safety.limits.ramp import longest_stop

AWAY = 0.02
"""rad that a joint may move from its rest pose: backlash, sag, a load taken up by the brakes."""
SETTLING = 0.4
"""Seconds beyond the longest stop until the arm is at rest; its side may receive the zeros late."""
SMOOTHING = 0.1
"""Time constant in seconds of the low-pass filter on the joint states."""
NOISE = 2.0
"""Multiple of the joint states' noise that is added to `AWAY`."""


class RestWatch:
    """Compares the arm's pose with its rest pose while the arm is commanded to rest.

    Both are low-pass filtered. The rest pose is recorded once per rest, so slow motion is detected too.

    Attributes:
        noise: (n,) in rad, the mean step from one state to the next. Motion adds 0.005 rad at 0.6 rad/s.
    """

    def __init__(self, robot: RobotConfig) -> None:
        self._joints = robot.joints
        self._settling = longest_stop(robot) + SETTLING
        self._mean: list[float] = []
        self._last: list[float] = []
        self._received = -math.inf
        self.noise = [0.0] * len(robot.joints)
        self._since: float | None = None
        self._rest: list[float] | None = None

    def on_state(self, now: float, position: Sequence[float]) -> None:
        """Takes the joints' angles (n,) in rad, received at `now`."""
        if not self._mean:
            self._mean = self._last = list(position)
        weight = 1.0 - math.exp((self._received - now) / SMOOTHING)
        steps = [abs(q - last) for q, last in zip(position, self._last, strict=True)]
        self.noise = [noise + weight * (step - noise) for noise, step in zip(self.noise, steps, strict=True)]
        self._mean = [mean + weight * (q - mean) for mean, q in zip(self._mean, position, strict=True)]
        self._last = list(position)
        self._received = now

    def reset(self) -> None:
        """Forgets earlier joint states, after a jump or an invalid one."""
        self._mean = []
        self._received = -math.inf
        self._since = self._rest = None

    def judge(self, now: float, resting: bool) -> str | None:
        """Returns the joint that moves, in words, or None.

        `resting`: the arm is commanded to rest, and nothing else may move it. After a detection, a new rest pose is
        recorded.
        """
        if not resting or not self._mean:
            self._since = self._rest = None
            return None
        if self._since is None:
            self._since = now
        if self._rest is None:
            if now - self._since >= self._settling:
                self._rest = list(self._mean)
            return None
        for joint, rest, mean, noise in zip(self._joints, self._rest, self._mean, self.noise, strict=True):
            if abs(mean - rest) > AWAY + NOISE * noise:
                self._since = self._rest = None
                return f"{joint} moved from {rest:.3f} to {mean:.3f} rad while zeros were sent"
        return None
