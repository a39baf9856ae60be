"""The velocity from which the ramp continues after a gap in which the arm received no commands."""

import math
from collections import deque
from collections.abc import Sequence

from async_rl_core.config.schema import RobotConfig

TRANSPORT = 0.002
"""Seconds that a command takes to the robot's side, at most, unless a process is halted."""
RECENT = 6
"""Age in cycles of the oldest command that a joint state may reflect."""
SLOWER = 0.05
"""rad/s below the slowest of these commands at which a joint counts as stopped by its own side."""


class MeasuredVelocity:
    """The joints' velocities: as the newest joint state reports them, or from the angles of the last two."""

    def __init__(self) -> None:
        self.received = -math.inf
        self._before = -math.inf
        self._stamp = 0
        self._position: list[float] = []
        self._reported: list[float] | None = None
        self._derived: list[float] | None = None

    def take(self, now: float, stamp: int, position: Sequence[float], velocity: Sequence[float]) -> None:
        """Takes a valid joint state received at `now`: stamp in ns, angles in rad, velocities in rad/s or empty."""
        elapsed = 1e-9 * (stamp - self._stamp)
        reported = len(velocity) == len(position) and math.isfinite(sum(velocity))
        self._reported = list(velocity) if reported else None
        self._derived = None
        if self._position and elapsed > 0.0:
            self._derived = [(b - a) / elapsed for a, b in zip(self._position, position, strict=True)]
        self._before, self.received = self.received, now
        self._stamp, self._position = stamp, list(position)

    def since(self, moment: float) -> list[float] | None:
        """Returns the velocities (n,) in rad/s from states received after `moment`; None where they are unknown."""
        if self.received <= moment:
            return None
        return self._reported or (self._derived if self._before > moment else None)


class Resumption:
    """Detects gaps after which the arm may not move at the last velocity sent, and estimates its velocity.

    A robot's side that receives no command for `robot.command_timeout` stops the arm, unless it `holds` the last
    velocity. It also stops the arm where its own process was halted. A ramp that continued from the last velocity sent
    would make the arm jump. Times are in seconds of one clock.

    Attributes:
        open: there is a gap, or no joint state received after it has shown the arm's velocity.
    """

    def __init__(self, robot: RobotConfig, holds: bool) -> None:
        self.open = False
        self._cycle = 1.0 / robot.state_rate
        self._timeout = robot.command_timeout
        self._longest_gap = max(self._timeout - self._cycle, 1.5 * self._cycle)
        self._silence = self._timeout + self._cycle
        self._stop = robot.limits.stop_acceleration
        self._holds = holds
        self._sent: deque[Sequence[float]] = deque(maxlen=RECENT)
        self._sent_at = math.inf
        self._gap = 0.0
        self._since = -math.inf
        self._measured = MeasuredVelocity()

    def on_joint_state(self, now: float, stamp: int, position: Sequence[float], velocity: Sequence[float]) -> None:
        """Takes a valid joint state, by joint; `velocity` may be empty."""
        if now - self._measured.received > self._timeout:
            self._begin(now, 0.0)
        self._measured.take(now, stamp, position, velocity)

    def watch(self, now: float, sent: Sequence[float]) -> float:
        """Begins a cycle at `now`, after `sent` (n,) in rad/s was sent. Returns the gap in s that it ends, or 0."""
        gap, self._sent_at = now - self._sent_at, now
        self._sent.append(sent)
        if now - self._measured.received > self._silence:
            self._begin(now, 0.0)
        elif not any(sent):
            self.open = False
        if gap <= self._longest_gap or not any(sent):  # less than the timeout, which is from receipt to receipt
            return 0.0
        self._begin(now - self._cycle, gap)
        return gap

    def _begin(self, since: float, gap: float) -> None:
        """Opens a gap: only states received after `since` show the arm's motion after it."""
        self.open, self._since, self._gap = True, since, gap

    def velocities(self, now: float, sent: Sequence[float]) -> list[float]:
        """Returns the velocities (n,) in rad/s from which to continue after `sent`: the arm's own, or lower.

        The estimate is too low rather than too high, because the arm slows down while a joint state travels. Joint
        states that show the arm's velocity close the gap; without them, the stop of the robot's side is assumed.
        """
        measured = self._measured.since(self._since)
        least = [self._least(i, velocity) for i, velocity in enumerate(sent)]
        self._gap = 0.0  # commands are sent again
        if measured is None:
            return [math.copysign(low, v) for low, v in zip(least, sent, strict=True)]
        self.open = False
        age = now - self._measured.received + self._cycle
        return [self._joint(i, age, *values) for i, values in enumerate(zip(sent, measured, least, strict=True))]

    def _least(self, i: int, sent: float) -> float:
        """Returns the speed of joint `i` if the robot's side began to stop it as early as possible."""
        stopped = 0.0 if self._holds else self._stop[i] * max(self._gap + TRANSPORT - self._timeout, 0.0)
        return max(abs(sent) - stopped, 0.0)

    def _joint(self, i: int, age: float, sent: float, measured: float, least: float) -> float:
        """Returns the velocity of joint `i`, measured `age` seconds ago."""
        commanded, forwards = abs(sent), math.copysign(1.0, sent)
        speed = max(measured * forwards, 0.0)
        expected = min((max(velocities[i] * forwards, 0.0) for velocities in self._sent), default=commanded)
        if least == commanded and speed >= expected - SLOWER:
            return sent
        slowed = max(speed - self._stop[i] * age, 0.0)
        return forwards * min(commanded, speed, slowed if least == commanded else max(slowed, least))
