"""What the guard takes in, judged on receipt: the agent's commands, the robot's joint states and its status."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from async_rl_core.config.schema import GuardConfig, RobotConfig
from async_rl_core.errors import SafetyError

ABSURD = 5.0
"""Times the velocity limit: what no working agent commands, so a fault and not a value to clip."""
STEADY = 10
"""Commands in a row without a gap before the guard may arm: a single message is no live agent."""
STILL = 0.005
"""rad by which a joint at rest may seem to move, from noise, in `STILL_TIME`."""
STILL_TIME = 0.1
"""Seconds over which an arm is looked at to see whether it rests: so more than 0.05 rad/s is motion."""
JUMP = 0.02
"""rad by which a joint may seem to move beyond what its velocity limit allows: noise, and jitter of the messages."""
STATUS_TIMEOUT = 0.5
"""Seconds without a status of the robot, of which ten come in a second, until the robot counts as not ready."""


def patience(config: GuardConfig, action_cycle_time: float) -> float:
    """Returns the seconds of an agent's silence from which on the arm slows down.

    Raises `SafetyError` where that is not before the watchdog.
    """
    found = action_cycle_time + config.grace
    if found >= config.watchdog:
        raise SafetyError(
            f"an action cycle of {action_cycle_time:g} s and guard.grace of {config.grace:g} s together must stay "
            f"below guard.watchdog of {config.watchdog:g} s"
        )
    return found


@dataclass(frozen=True)
class Refusal:
    """Why a command was refused. `malformed`: whatever the circumstances, it should never have been sent."""

    text: str
    malformed: bool


class CommandInput:
    """The newest valid command, and the counts of all."""

    def __init__(self, robot: RobotConfig, config: GuardConfig) -> None:
        self.velocity = [0.0] * len(robot.joints)
        self.accepted = 0
        self.refused = 0
        self._joints = robot.joints
        self._limits = robot.limits.velocity
        self._watchdog = config.watchdog
        self._order = _Order(robot.joints)
        self._sequence = -1
        self._received = -math.inf
        self._in_a_row = 0

    def silence(self, now: float) -> float:
        """Seconds since the newest valid command was received; infinite before the first."""
        return now - self._received

    def begin_again(self) -> None:
        """Count commands in a row from here."""
        self._in_a_row = 0

    def missing(self, now: float) -> str | None:
        """What a live agent lacks, in words."""
        if self.silence(now) > self._watchdog:
            return "no fresh command of the agent"
        if self._in_a_row < STEADY:
            return f"only {self._in_a_row} commands of the agent in a row, {STEADY} needed"
        return None

    def take(
        self, now: float, sequence: int, names: Sequence[str], velocity: Sequence[float], restarted: bool
    ) -> Refusal | None:
        """Keep the command if it is valid, else say why not. `restarted`: the sequence may begin anew."""
        refusal = self._judge(sequence, names, velocity, restarted)
        if refusal is not None:
            self.refused += 1
            self._in_a_row = 0
            return refusal
        self._in_a_row = 1 if self.silence(now) > self._watchdog else self._in_a_row + 1
        self.velocity = [float(velocity[i]) for i in self._order.index]
        self._sequence = sequence
        self._received = now
        self.accepted += 1
        return None

    def _judge(self, sequence: int, names: Sequence[str], velocity: Sequence[float], restarted: bool) -> Refusal | None:
        wrong = self._order.read(names, len(velocity)) or self._absurd(velocity)
        if wrong is not None:
            return Refusal(f"command {sequence} {wrong}", True)
        if self._repeated(sequence) and not restarted:
            return Refusal(f"command {sequence} after command {self._sequence}", False)
        return None

    def _absurd(self, velocity: Sequence[float]) -> str | None:
        for joint, i, limit in zip(self._joints, self._order.index, self._limits, strict=True):
            if not abs(velocity[i]) <= ABSURD * limit:  # so written, NaN fails it too
                return f"wants {velocity[i]} rad/s of {joint}, limit {limit}"
        return None

    def _repeated(self, sequence: int) -> bool:
        return sequence <= self._sequence


class StateInput:
    """The newest valid joint state."""

    def __init__(self, robot: RobotConfig, config: GuardConfig) -> None:
        self.position = [0.0] * len(robot.joints)
        self._robot = robot
        self._timeout = config.state_timeout
        self._slack = 1.0 / robot.state_rate
        self._order = _Order(robot.joints, others=True)
        self._received = self._stood_since = -math.inf
        self._stood_at = self.position
        self._stamp = -1
        self._frozen = ""
        self._frozen_at = -math.inf
        self.taken = False
        """Whether the newest state was."""
        self.stands = False
        """Whether the newest state has a stamp of its own and no other angles, though the arm is commanded to move."""
        self.problem = ""
        """Why the newest state was refused or is no news, in words; empty where it was taken."""

    def in_order(self, values: Sequence[float]) -> list[float]:
        """Returns what the newest message says by joint, in the order of the commands; empty where it does not."""
        index = self._order.index
        return [float(values[i]) for i in index] if len(values) > max(index) else []

    def moves(self, now: float) -> bool:
        """Whether the arm moves by what its joints say, or has but just come to rest."""
        return now - self._stood_since < STILL_TIME

    def silence(self, now: float) -> float:
        """Seconds since the newest valid joint state was received; infinite before the first."""
        return now - self._received

    def frozen(self, now: float) -> bool:
        """Whether joint states arrive that cannot be new, rather than none."""
        return bool(self._frozen) and now - self._frozen_at < self._timeout / 2

    def stale(self, now: float) -> str | None:
        """What is wrong with the newest joint state if it is too old, in words."""
        age = self.silence(now)
        if age <= self._timeout:
            return None
        if age == math.inf:
            return f"{self._robot.state_topic} {self._frozen or 'silent'}"
        return f"{self._robot.state_topic} {self._frozen or 'silent'} for {1000 * age:.0f} ms"

    def missing(self, now: float) -> str | None:
        """What a robot to be armed lacks, in words: a fresh state, every joint inside its limits.

        The margin before a limit is not asked for: a stop may end in it, and the arm must be able to leave it again.
        """
        if self.stale(now):
            return f"no fresh {self._robot.state_topic}: {self.problem or self.stale(now)}"
        limits = self._robot.limits
        bounds = zip(self._robot.joints, limits.position_lower, self.position, limits.position_upper, strict=True)
        outside = [
            f"{joint} at {q:.3f} rad, limits [{low}, {high}]" for joint, low, q, high in bounds if not low <= q <= high
        ]
        return "; ".join(outside) or None

    def take(self, now: float, stamp: int, names: Sequence[str], position: Sequence[float], moving: bool) -> str | None:
        """Keep the angles in rad if they are complete, finite and in reach of the last, else say what is wrong.

        `stamp`: of the message, in nanoseconds. The same stamp again is no news, nor are the same angles where the
        arm is `moving`: the state then ages as if nothing had come. A message that names none of the joints, such as
        a gripper's, is ignored.
        """
        self.taken = self.stands = False
        if self._order.is_foreign(names):
            return None
        wrong = self._order.read(names, len(position))
        if wrong is None:
            wrong = self._read(now, stamp, [float(position[i]) for i in self._order.index], moving)
        frozen = self._frozen if self.silence(now) > self._timeout else ""  # one state alike is no trouble yet
        self.problem = f"{self._robot.state_topic} {problem}" if (problem := wrong or frozen) else ""
        return wrong and f"{self._robot.state_topic} {wrong}"

    def _read(self, now: float, stamp: int, angles: list[float], moving: bool) -> str | None:
        if (wrong := self._not_finite(angles)) is not None:
            return wrong
        if self._repeats(stamp, angles, moving):
            self._frozen_at = now
            return None
        jump = self._jump(now, stamp, angles)
        self.position = angles  # after a jump too: the next state is compared with it
        if any(abs(a - b) > STILL for a, b in zip(angles, self._stood_at, strict=True)):
            self._stood_at, self._stood_since = angles, now
        self._stamp = stamp
        if jump is None:
            self.taken = True
            self._received = now
            self._frozen = ""
        return jump

    def _not_finite(self, angles: list[float]) -> str | None:
        if math.isfinite(sum(angles)):
            return None
        return f"is not finite: {dict(zip(self._robot.joints, angles, strict=True))}"

    def _repeats(self, stamp: int, angles: list[float], moving: bool) -> bool:
        if stamp == self._stamp:
            self._frozen = f"repeats its stamp {stamp}"
        elif moving and angles == self.position:
            self.stands = True
            self._frozen = f"stands still at {angles} though the arm is commanded to move,"
        else:
            return False
        return True

    def _jump(self, now: float, stamp: int, angles: list[float]) -> str | None:
        """Which joint moved further than it can have, by receipt and by stamps, whichever is longer."""
        elapsed = max(now - self._received, min((stamp - self._stamp) * 1e-9, self._timeout)) + self._slack
        limits = zip(self._robot.joints, self.position, angles, self._robot.limits.velocity, strict=True)
        for joint, before, after, limit in limits:
            if abs(after - before) > limit * elapsed + JUMP:
                way = f"from {before:.3f} to {after:.3f} rad in {1000 * elapsed:.0f} ms"
                return f"has {joint} jump {way}, limit {limit} rad/s"
        return None


class StatusInput:
    """What the robot's driver says of the robot: modes, program, controller. `expected`: whether there is a driver."""

    def __init__(self, expected: bool) -> None:
        self._expected = expected
        self._cause = ""
        self._received = -math.inf

    def take(self, now: float, ready: bool, cause: str) -> None:
        """Keep what the driver says."""
        self._cause = "" if ready else cause or "no cause given"
        self._received = now

    def missing(self, now: float) -> str | None:
        """What keeps the robot from following, in words."""
        if not self._expected:
            return None
        if now - self._received > STATUS_TIMEOUT:
            return "no fresh robot_status"
        return f"the robot is not ready: {self._cause}" if self._cause else None


class _Order:
    """Where each joint stands in a message; remembered, because senders keep their order."""

    def __init__(self, joints: Sequence[str], others: bool = False) -> None:
        self.index = list(range(len(joints)))
        self._joints = list(joints)
        self._others = others
        self._names = list(joints)

    def is_foreign(self, names: Sequence[str]) -> bool:
        """Whether a message names none of the joints."""
        return list(names) != self._names and not any(joint in names for joint in self._joints)

    def read(self, names: Sequence[str], values: int) -> str | None:
        """Set `index` for a message of `names` and so many values; in words what is wrong, or None."""
        if len(names) != values:
            return f"has {values} values for {len(names)} names"
        if list(names) == self._names:
            return None
        if missing := [joint for joint in self._joints if joint not in names]:
            return f"lacks {missing}"
        if len(set(names)) != len(names) or (len(names) != len(self._joints) and not self._others):
            return f"names {list(names)[:16]}, expected {self._joints}"
        self._names = list(names)
        self.index = [self._names.index(joint) for joint in self._joints]
        return None
