"""Detects a joint that moves further than commanded: another program commands the arm, or it moves by itself."""

import math
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from async_rl_core.config.schema import GuardConfig, RobotConfig

WINDOW = 0.25
"""Seconds over which a joint's displacement is compared with the commands."""
FURTHER = 0.02
"""rad that a joint may move further than commanded: encoder errors, overshoot of the drive."""
NOISE = 4.0
"""Multiple of the joint states' noise that is added to `FURTHER`."""
DELAY = 3.0
"""Cycles from a command to the joint state that shows it, in addition to the arm's lag."""


class _Travel(NamedTuple):
    """Sums of the commanded displacements until `time`, in rad by joint: positive ones in `up`, negative in `down`."""

    time: float
    up: list[float]
    down: list[float]


class FollowingWatch:
    """Compares each joint's displacement with the commands. A joint may always move less: its side may have stopped.

    It also detects a publisher that the middleware never reported. Joint states may be late by the longest gap between
    those of the last moments, and the comparison allows for this.

    Args:
        robot: limits, state rate, lag and command timeout.
        config: maximum age of joint states.
        holds: without commands, the robot's side keeps the last velocity.
    """

    def __init__(self, robot: RobotConfig, config: GuardConfig, holds: bool) -> None:
        cycle = 1.0 / robot.state_rate
        self._joints = robot.joints
        self._stop = robot.limits.stop_acceleration
        self._held = math.inf if holds else robot.command_timeout + cycle
        self._lag = robot.command_lag + DELAY * cycle
        self._state_timeout = config.state_timeout
        self._received = -math.inf
        self._gaps: deque[tuple[float, float]] = deque()
        zero = [0.0] * len(robot.joints)
        self._sent: Sequence[float] = zero
        self._travel = deque([_Travel(-math.inf, zero, zero)])
        self._states: deque[tuple[float, Sequence[float]]] = deque()

    def on_sent(self, now: float, velocity: Sequence[float]) -> None:
        """Takes the velocities (n,) in rad/s that are sent at `now`."""
        last = self._travel[-1]
        if math.isfinite(last.time):
            moves = [
                self._displacement(now - last.time, v, stop) for v, stop in zip(self._sent, self._stop, strict=True)
            ]
            up = [before + max(move, 0.0) for before, move in zip(last.up, moves, strict=True)]
            down = [before + min(move, 0.0) for before, move in zip(last.down, moves, strict=True)]
            self._travel.append(_Travel(now, up, down))
        else:
            self._travel.append(_Travel(now, last.up, last.down))
        self._sent = velocity
        while len(self._travel) > 2 and self._travel[1].time < now - WINDOW - self._lag - self._state_timeout:
            self._travel.popleft()

    def _displacement(self, gap: float, velocity: float, stop: float) -> float:
        """Returns the displacement of a joint until the next command, including its stop where that command is late."""
        if gap <= self._held:
            return velocity * gap
        return velocity * (self._held + abs(velocity) / (2.0 * stop))

    def reset(self) -> None:
        """Forgets earlier joint states: the arm need not follow, or they are invalid."""
        self._states.clear()

    def judge(self, now: float, position: Sequence[float], noise: Sequence[float]) -> str | None:
        """Returns the joint that moved further than commanded, in words, or None.

        Args:
            now: time of receipt.
            position: (n,) in rad.
            noise: (n,) in rad, the mean step from one joint state to the next.
        """
        late = self._lag + self._longest_gap(now)
        while self._states and self._states[0][0] < now - WINDOW:
            self._states.popleft()
        self._states.append((now, position))
        began, start = self._states[0]
        before, after = self._before(began - late), self._travel[-1]
        for i, joint in enumerate(self._joints):
            moved = position[i] - start[i]
            room = FURTHER + NOISE * noise[i] + abs(self._sent[i]) * (now - after.time)
            low, high = after.down[i] - before.down[i] - room, after.up[i] - before.up[i] + room
            if not low <= moved <= high:
                self.reset()
                return (
                    f"{joint} moved by {moved:.3f} rad in {1000 * (now - began):.0f} ms, "
                    f"commanded were {after.down[i] - before.down[i]:.3f} to {after.up[i] - before.up[i]:.3f} rad"
                )
        return None

    def _longest_gap(self, now: float) -> float:
        """Returns the longest gap in s between joint states that may have been late; the newest is received `now`."""
        self._gaps.append((now, min(now - self._received, self._state_timeout)))
        self._received = now
        while self._gaps[0][0] < now - WINDOW - self._state_timeout:
            self._gaps.popleft()
        return max(gap for _, gap in self._gaps)

    def _before(self, moment: float) -> _Travel:
        """Returns the newest entry that is at least as old as `moment`, or the oldest."""
        found = self._travel[0]
        for travel in self._travel:
            if travel.time > moment:
                break
            found = travel
        return found
