"""Detects motion that the guard did not command, while the arm follows and while it is commanded to rest."""

from collections.abc import Sequence

from async_rl_core.config.schema import GuardConfig, RobotConfig
from async_rl_core.safety.motion.following_watch import FollowingWatch
from async_rl_core.safety.motion.rest_watch import RestWatch


class MotionWatch:
    """A `FollowingWatch` and a `RestWatch` on the same joint states. Arguments as of `FollowingWatch`."""

    def __init__(self, robot: RobotConfig, config: GuardConfig, holds: bool) -> None:
        self._rest = RestWatch(robot)
        self._following = FollowingWatch(robot, config, holds)
        self._is_following = False
        self._excess: str | None = None

    def on_state(self, now: float, position: Sequence[float]) -> None:
        """Takes the joints' angles (n,) in rad, received at `now`."""
        self._rest.on_state(now, position)
        if self._is_following:
            self._excess = self._following.judge(now, position, self._rest.noise) or self._excess

    def on_sent(self, now: float, velocity: Sequence[float]) -> None:
        """Takes the velocities (n,) in rad/s that are sent at `now`."""
        self._following.on_sent(now, velocity)

    def reset(self) -> None:
        """Forgets earlier joint states, after a jump or an invalid one."""
        self._rest.reset()
        self._following.reset()

    def judge(self, now: float, following: bool, resting: bool) -> str | None:
        """Returns the motion that was not commanded, in words, or None.

        `following`: the arm follows commands or is brought to rest. `resting`: it is commanded to rest, and nothing
        else may move it.
        """
        if not following:
            self._following.reset()
        self._is_following = following
        excess, self._excess = self._excess, None
        return self._rest.judge(now, resting) or (excess if following else None)
