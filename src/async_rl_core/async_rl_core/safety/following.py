"""Notices an arm that moves further than it was told to: another program commands it, or it moves by itself."""

import math
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from async_rl_core.config.schema import GuardConfig, RobotConfig

WINDOW = 0.25
"""Seconds over which the arm's way is compared with what was sent."""
FURTHER = 0.02
"""rad by which a joint may go further: encoders, overshoot of the drive."""
NOISE = 4.0
"""Times the mean step between two joint states, by which a joint may seem to have gone further."""
DELAY = 3.0
"""Cycles from a command to the joint state that shows it, beyond the arm's lag."""


class _Travel(NamedTuple):
    """By joint, in rad: how far the arm was sent upwards and downwards until `time`."""

    time: float
    up: list[float]
    down: list[float]


class FollowingWatch:
    """Compares the way of each joint with what was sent, of which it may always do less: its side may have stopped it.

    This does not depend on whether the middleware tells of another publisher before that is gone. One that moves a
    joint the way it is sent, up to a third faster, is not noticed so.

    Args:
        robot: its limits, rate, lag and timeout.
        config: how late joint states may be.
        holds: where commands cease, the robot's side goes on with the last velocity.
    """

    def __init__(self, robot: RobotConfig, config: GuardConfig, holds: bool) -> None:
        cycle = 1.0 / robot.state_rate
        self._joints = robot.joints
        self._stop = robot.limits.stop_acceleration
        self._held = math.inf if holds else robot.command_timeout + cycle
        self._late = robot.command_lag + DELAY * cycle + config.state_timeout
        zero = [0.0] * len(robot.joints)
        self._sent: Sequence[float] = zero
        self._travel = deque([_Travel(-math.inf, zero, zero)])
        self._states: deque[tuple[float, Sequence[float]]] = deque()

    def on_sent(self, now: float, velocity: Sequence[float]) -> None:
        """Take the velocities (n,) in rad/s that are sent at `now`."""
        last = self._travel[-1]
        if math.isfinite(last.time):
            ways = [self._way(now - last.time, v, stop) for v, stop in zip(self._sent, self._stop, strict=True)]
            up = [before + max(way, 0.0) for before, way in zip(last.up, ways, strict=True)]
            down = [before + min(way, 0.0) for before, way in zip(last.down, ways, strict=True)]
            self._travel.append(_Travel(now, up, down))
        else:
            self._travel.append(_Travel(now, last.up, last.down))
        self._sent = velocity
        while len(self._travel) > 2 and self._travel[1].time < now - WINDOW - self._late:
            self._travel.popleft()

    def _way(self, gap: float, velocity: float, stop: float) -> float:
        """Returns how far a joint goes until the next command, with its stop if that is late."""
        if gap <= self._held:
            return velocity * gap
        return velocity * (self._held + abs(velocity) / (2.0 * stop))

    def begin_again(self) -> None:
        """Forget where the arm was: nobody has to follow, or the joint states cannot be trusted."""
        self._states.clear()

    def judge(self, now: float, position: Sequence[float], noise: Sequence[float]) -> str | None:
        """Returns which joint went further than it was sent, in words.

        Args:
            now: when these angles were received.
            position: (n,) in rad.
            noise: (n,) in rad, the mean step from one joint state to the next.
        """
        while self._states and self._states[0][0] < now - WINDOW:
            self._states.popleft()
        self._states.append((now, position))
        began, start = self._states[0]
        before, after = self._before(began - self._late), self._travel[-1]
        for i, joint in enumerate(self._joints):
            way = position[i] - start[i]
            room = FURTHER + NOISE * noise[i] + abs(self._sent[i]) * (now - after.time)
            low, high = after.down[i] - before.down[i] - room, after.up[i] - before.up[i] + room
            if not low <= way <= high:
                self.begin_again()
                return (
                    f"{joint} moved by {way:.3f} rad in {1000 * (now - began):.0f} ms, "
                    f"sent were {after.down[i] - before.down[i]:.3f} to {after.up[i] - before.up[i]:.3f} rad"
                )
        return None

    def _before(self, moment: float) -> _Travel:
        """Returns the newest travel that is as old as `moment`, or the oldest."""
        found = self._travel[0]
        for travel in self._travel:
            if travel.time > moment:
                break
            found = travel
        return found
