"""The velocity of a joint from cycle to cycle within its acceleration and jerk limits, and the path of a stop."""

import math
from collections.abc import Sequence
from functools import cached_property

from async_rl_core.config.schema import RobotConfig
from async_rl_core.errors import SafetyError

Motion = tuple[float, float]
"""A joint's velocity in rad/s, and its change since the previous cycle."""
REST: Motion = (0.0, 0.0)

LONGEST_STOP = 2.0
"""Seconds. The supervisor waits longer than this before it kills the guard."""


class Ramp:
    """Moves a joint's velocity towards a goal, cycle by cycle, as fast as the limits allow and without overshoot.

    The velocity changes by at most the acceleration times `cycle` per cycle, and that change by at most `jerk` times
    `cycle` squared. The change is reduced in time to reach zero at the goal. Only a goal that moves closer meanwhile is
    overshot, by the amount that the jerk limit makes unavoidable.

    Args:
        acceleration: rad/s^2 towards a goal.
        stop_acceleration: rad/s^2 of a stop.
        jerk: rad/s^3 of both.
        cycle: seconds.
    """

    def __init__(self, acceleration: float, stop_acceleration: float, jerk: float, cycle: float) -> None:
        self._cycle = cycle
        self._following = acceleration * cycle
        self._braking = stop_acceleration * cycle
        self._bend = jerk * cycle * cycle

    def follow(self, motion: Motion, goal: float) -> Motion:
        """Returns the next cycle towards a velocity of `goal`."""
        return self._next(motion, goal, self._following)

    def brake(self, motion: Motion) -> Motion:
        """Returns the next cycle of a stop."""
        return self._next(motion, 0.0, self._braking)

    def changed(self, motion: Motion, change: float) -> Motion:
        """Returns the next cycle with this change of velocity, or with the closest one within the jerk limit."""
        change = min(max(change, motion[1] - self._bend), motion[1] + self._bend)
        return motion[0] + change, change

    def stop_positions(self, start: float, motion: Motion) -> list[float]:
        """Returns the positions in rad at the end of the cycle `motion`, and of each cycle of the stop after it.

        The cycle begins at `start`; the last position is the one at rest.
        """
        cycle, position = self._cycle, start + motion[0] * self._cycle
        positions = [position]
        while motion[0] or abs(motion[1]) > self._bend:
            motion = self._next(motion, 0.0, self._braking)
            position += motion[0] * cycle
            positions.append(position)
        return positions

    def _next(self, motion: Motion, goal: float, limit: float) -> Motion:
        """Returns one cycle towards `goal`, with a change of at most `limit`.

        A change of x that falls by `bend` per cycle lasts n = floor(x / bend) further cycles and adds up to
        (n + 1) x - bend n (n + 1) / 2, which must not exceed the remaining difference. Without helper functions,
        because it runs 40 times per cycle.
        """
        velocity, change = motion
        bend = self._bend
        left = goal - velocity
        size = left if left >= 0.0 else -left
        if size > bend:
            n = int((math.sqrt(1.0 + 8.0 * size / bend) - 1.0) / 2.0)
            size = size / (n + 1) + bend * n / 2.0
        if size > limit:
            size = limit
        wanted = size if left >= 0.0 else -size
        if wanted > change + bend:
            wanted = change + bend
        elif wanted < change - bend:
            wanted = change - bend
        return (goal if wanted == left else velocity + wanted), wanted


class StopPath:
    """The poses of a stop: from `start` (n,) through the end of each cycle to rest.

    Args:
        start: joint angles (n,) in rad.
        positions: each joint's positions in rad; a joint that stops earlier stays at its last.
        ahead: (n,) in rad, by which the joints lie behind these poses if the joint states came without delay.
    """

    def __init__(
        self, start: Sequence[float], positions: Sequence[Sequence[float]], ahead: Sequence[float] | None = None
    ) -> None:
        self.start = start
        self.ahead = ahead
        self._positions = positions

    @cached_property
    def poses(self) -> list[list[float]]:
        """The poses after the start, each (n,) in rad."""
        cycles = max(map(len, self._positions))
        full = [[*joint, *[joint[-1]] * (cycles - len(joint))] for joint in self._positions]
        return [list(pose) for pose in zip(*full, strict=True)]

    def length(self, reach: Sequence[float]) -> float:
        """Returns an upper bound in m of how far a point moves from the start; `reach` (n,) is in m per rad."""
        joints = zip(reach, self.start, self._positions, strict=True)
        return sum(r * max(max(positions) - q, q - min(positions)) for r, q, positions in joints)


def longest_stop(robot: RobotConfig) -> float:
    """Returns the seconds of a stop from full speed, of the slowest joint, while it still accelerates."""
    limits, cycle = robot.limits, 1.0 / robot.state_rate
    joints = zip(limits.velocity, limits.acceleration, limits.stop_acceleration, limits.jerk, strict=True)
    return max(cycle * len(Ramp(a, s, jerk, cycle).stop_positions(0.0, (v, a * cycle))) for v, a, s, jerk in joints)


def require_short_stop(robot: RobotConfig) -> None:
    """Raises `SafetyError` where a stop from full speed takes longer than `LONGEST_STOP`."""
    if (stop := longest_stop(robot)) > LONGEST_STOP:
        raise SafetyError(
            f"{robot.name}: a stop takes {stop:.2f} s from limits.velocity with limits.stop_acceleration, "
            f"at most {LONGEST_STOP:g} s are allowed; lower the velocity"
        )
