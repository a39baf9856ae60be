"""The velocities at which an arm goes on after a gap in which it did not get, or did not take, commands."""

import math
from collections import deque
from collections.abc import Sequence

from async_rl_core.config.schema import RobotConfig

TRANSPORT = 0.002
"""Seconds that a command takes to the robot's side, at most, where no process is halted."""
RECENT = 6
"""Cycles: a joint state tells of what was sent as long ago, at most."""
SLOWER = 0.05
"""rad/s by which a joint must be slower than all that was sent in these to count as stopping by itself."""


class MeasuredVelocity:
    """The joints' velocities in rad/s by the joint states: as the newest says, or by the angles of the last two."""

    def __init__(self) -> None:
        self.received = -math.inf
        self._before = -math.inf
        self._stamp = 0
        self._position: list[float] = []
        self._said: list[float] | None = None
        self._moved: list[float] | None = None

    def take(self, now: float, stamp: int, position: Sequence[float], velocity: Sequence[float]) -> None:
        """Take a valid joint state received `now`: its stamp in ns, rad, and rad/s or nothing, by joint."""
        elapsed = 1e-9 * (stamp - self._stamp)
        said = len(velocity) == len(position) and math.isfinite(sum(velocity))
        self._said = list(velocity) if said else None
        self._moved = None
        if self._position and elapsed > 0.0:
            self._moved = [(b - a) / elapsed for a, b in zip(self._position, position, strict=True)]
        self._before, self.received = self.received, now
        self._stamp, self._position = stamp, list(position)

    def since(self, moment: float) -> list[float] | None:
        """Returns the velocities (n,) by what was received after `moment` alone; None where that does not tell."""
        if self.received <= moment:
            return None
        return self._said or (self._moved if self._before > moment else None)


class Resumption:
    """Notices gaps after which the arm may no longer move as it was told, and tells how it moves then.

    A robot's side that gets no command for `robot.command_timeout` stops the arm by itself, unless it `holds` the
    last velocity. So do all whose own process was halted. A ramp that went on from the velocity sent last would make
    the arm leap. Times are in seconds of one clock.

    Attributes:
        open: a gap goes on, or no joint state received after it has told how the arm moves.
    """

    def __init__(self, robot: RobotConfig, holds: bool) -> None:
        self.open = False
        self._cycle = 1.0 / robot.state_rate
        self._timeout = robot.command_timeout
        self._patience = max(self._timeout - self._cycle, 1.5 * self._cycle)
        self._silence = self._timeout + self._cycle
        self._stop = robot.limits.stop_acceleration
        self._holds = holds
        self._sent: deque[Sequence[float]] = deque(maxlen=RECENT)
        self._sent_at = math.inf
        self._gap = 0.0
        self._since = -math.inf
        self._measured = MeasuredVelocity()

    def on_joint_state(self, now: float, stamp: int, position: Sequence[float], velocity: Sequence[float]) -> None:
        """Take a valid joint state, by joint; `velocity` may be empty."""
        if now - self._measured.received > self._timeout:
            self._begin(now, 0.0)
        self._measured.take(now, stamp, position, velocity)

    def watch(self, now: float, sent: Sequence[float]) -> float:
        """Begin a cycle at `now`, after `sent` (n,) in rad/s. Returns the length in s of a gap that it ends, or 0."""
        gap, self._sent_at = now - self._sent_at, now
        self._sent.append(sent)
        if now - self._measured.received > self._silence:
            self._begin(now, 0.0)
        elif not any(sent):
            self.open = False
        if gap <= self._patience or not any(sent):  # less than the timeout, which is from receipt to receipt
            return 0.0
        self._begin(now - self._cycle, gap)
        return gap

    def _begin(self, since: float, gap: float) -> None:
        """Only what is received after `since` tells of the arm's motion after the gap."""
        self.open, self._since, self._gap = True, since, gap

    def velocities(self, now: float, sent: Sequence[float]) -> list[float]:
        """Returns the velocities (n,) in rad/s from which to go on after `sent`: those of the arm, or less.

        Less rather than more: the arm slows down while a joint state travels. Closes the gap where the joint states
        tell how the arm moves; without them, by what the robot's side does in a gap.
        """
        measured = self._measured.since(self._since)
        least = [self._least(i, velocity) for i, velocity in enumerate(sent)]
        self._gap = 0.0  # from now on, commands go out
        if measured is None:
            return [math.copysign(low, v) for low, v in zip(least, sent, strict=True)]
        self.open = False
        age = now - self._measured.received + self._cycle
        return [self._joint(i, age, *values) for i, values in enumerate(zip(sent, measured, least, strict=True))]

    def _least(self, i: int, sent: float) -> float:
        """Returns the speed of joint `i` if the robot's side began to stop it as early as it may."""
        stopped = 0.0 if self._holds else self._stop[i] * max(self._gap + TRANSPORT - self._timeout, 0.0)
        return max(abs(sent) - stopped, 0.0)

    def _joint(self, i: int, age: float, sent: float, measured: float, least: float) -> float:
        """Returns the velocity of joint `i`, measured `age` seconds ago."""
        told, forwards = abs(sent), math.copysign(1.0, sent)
        speed = max(measured * forwards, 0.0)
        expected = min((max(velocities[i] * forwards, 0.0) for velocities in self._sent), default=told)
        if least == told and speed >= expected - SLOWER:
            return sent
        slowed = max(speed - self._stop[i] * age, 0.0)
        return forwards * min(told, speed, slowed if least == told else max(slowed, least))
