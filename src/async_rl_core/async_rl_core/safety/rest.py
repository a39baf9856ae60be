"""Notices an arm that moves although it is told to rest."""

import math
from collections.abc import Sequence

from async_rl_core.config.schema import RobotConfig
from async_rl_core.safety.limits.limit_filter import longest_stop

AWAY = 0.02
"""rad by which a joint may leave the pose in which it came to rest: backlash, sag, a load taken up by the brakes."""
SETTLING = 0.4
"""Seconds beyond the longest stop until an arm that is told to rest has come to rest: its side may hear of it late."""
SMOOTHING = 0.1
"""Seconds of joint states of which the mean is taken: the time constant of a low-pass filter."""
NOISE = 2.0
"""Times the noise of the joint states, by which a joint may seem to be further away."""


class RestWatch:
    """Compares where the arm is with where it came to rest, for as long as it is told to rest.

    Both are means over `SMOOTHING`. The pose of rest is never taken anew meanwhile, so slow motion is noticed as well.

    Attributes:
        noise: (n,) in rad, the mean step from one state to the next; motion adds little to it, 0.005 rad at 0.6 rad/s.
    """

    def __init__(self, robot: RobotConfig) -> None:
        self._joints = robot.joints
        self._settling = longest_stop(robot) + SETTLING
        self._mean: list[float] = []
        self._last: list[float] = []
        self._heard = -math.inf
        self.noise = [0.0] * len(robot.joints)
        self._since: float | None = None
        self._rest: list[float] | None = None

    def on_state(self, now: float, position: Sequence[float]) -> None:
        """Take the joints' angles (n,) in rad, received at `now`."""
        if not self._mean:
            self._mean = self._last = list(position)
        weight = 1.0 - math.exp((self._heard - now) / SMOOTHING)
        steps = [abs(q - last) for q, last in zip(position, self._last, strict=True)]
        self.noise = [noise + weight * (step - noise) for noise, step in zip(self.noise, steps, strict=True)]
        self._mean = [mean + weight * (q - mean) for mean, q in zip(self._mean, position, strict=True)]
        self._last = list(position)
        self._heard = now

    def begin_again(self) -> None:
        """Forget where the arm was: the joint states jumped, or cannot be read."""
        self._mean = []
        self._heard = -math.inf
        self._since = self._rest = None

    def judge(self, now: float, resting: bool) -> str | None:
        """Which joint moves, in words; `resting`: whether the arm is told to rest and nothing else may move it.

        Once said, the comparison begins again with where the arm is then.
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
