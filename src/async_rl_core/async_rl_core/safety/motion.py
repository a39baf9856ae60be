"""Notices motion that nobody sent: of an arm that is led, and of one that is told to rest."""

from collections.abc import Sequence

from async_rl_core.config.schema import GuardConfig, RobotConfig
from async_rl_core.safety.following import FollowingWatch
from async_rl_core.safety.rest import RestWatch


class MotionWatch:
    """A `FollowingWatch` and a `RestWatch` on the same joint states; arguments as of the first."""

    def __init__(self, robot: RobotConfig, config: GuardConfig, holds: bool) -> None:
        self._rest = RestWatch(robot)
        self._following = FollowingWatch(robot, config, holds)
        self._led = False
        self._further: str | None = None

    def on_state(self, now: float, position: Sequence[float]) -> None:
        """Take the joints' angles (n,) in rad, received at `now`."""
        self._rest.on_state(now, position)
        if self._led:
            self._further = self._following.judge(now, position, self._rest.noise) or self._further

    def on_sent(self, now: float, velocity: Sequence[float]) -> None:
        """Take the velocities (n,) in rad/s that are sent at `now`."""
        self._following.on_sent(now, velocity)

    def begin_again(self) -> None:
        """Forget where the arm was: the joint states jumped, or cannot be read."""
        self._rest.begin_again()
        self._following.begin_again()

    def judge(self, now: float, led: bool, resting: bool) -> str | None:
        """Returns which joint moves although nobody sent it, in words.

        `led`: whether the arm follows commands or is brought to rest; `resting`: whether it is told to rest and nothing
        else may move it.
        """
        if not led:
            self._following.begin_again()
        self._led = led
        further, self._further = self._further, None
        return self._rest.judge(now, resting) or (further if led else None)
