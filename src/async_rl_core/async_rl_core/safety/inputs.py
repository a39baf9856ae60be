"""What the guard takes in, judged on receipt: the agent's commands and the robot's joint states."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from async_rl_core.config.schema import GuardConfig, RobotConfig

ABSURD = 5.0
"""Times the velocity limit: what no working agent commands, so a fault and not a value to clip."""
STEADY = 10
"""Commands in a row without a gap before the guard may arm: a single message is no live agent."""


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
        if (wrong := self._order.read(names, len(velocity))) is not None:
            return Refusal(f"command {sequence} {wrong}", True)
        for joint, i, limit in zip(self._joints, self._order.index, self._limits, strict=True):
            if not abs(velocity[i]) <= ABSURD * limit:  # so written, NaN fails it too
                return Refusal(f"command {sequence} wants {velocity[i]} rad/s of {joint}, limit {limit}", True)
        if sequence <= self._sequence and not restarted:
            return Refusal(f"command {sequence} after command {self._sequence}", False)
        return None


class StateInput:
    """The newest valid joint state."""

    def __init__(self, robot: RobotConfig, config: GuardConfig) -> None:
        self.position = [0.0] * len(robot.joints)
        self._robot = robot
        self._timeout = config.state_timeout
        self._order = _Order(robot.joints, others=True)
        self._received = -math.inf

    def silence(self, now: float) -> float:
        """Seconds since the newest valid joint state was received; infinite before the first."""
        return now - self._received

    def missing(self, now: float) -> str | None:
        """What a robot to be armed lacks, in words: a fresh state, every joint inside its limits.

        The margin before a limit is not asked for: a stop may end in it, and the arm must be able to leave it again.
        """
        if self.silence(now) > self._timeout:
            return f"no fresh {self._robot.state_topic}"
        limits = self._robot.limits
        bounds = zip(self._robot.joints, limits.position_lower, self.position, limits.position_upper, strict=True)
        outside = [
            f"{joint} at {q:.3f} rad, limits [{low}, {high}]" for joint, low, q, high in bounds if not low <= q <= high
        ]
        return "; ".join(outside) or None

    def take(self, now: float, names: Sequence[str], position: Sequence[float]) -> str | None:
        """Keep the angles in rad if they are complete and finite, else say what is wrong."""
        topic = self._robot.state_topic
        if (wrong := self._order.read(names, len(position))) is not None:
            return f"{topic} {wrong}"
        angles = [float(position[i]) for i in self._order.index]
        if not math.isfinite(sum(angles)):
            return f"{topic} is not finite: {dict(zip(self._robot.joints, angles, strict=True))}"
        self.position = angles
        self._received = now
        return None


class _Order:
    """Where each joint stands in a message; remembered, because senders keep their order."""

    def __init__(self, joints: Sequence[str], others: bool = False) -> None:
        self.index = list(range(len(joints)))
        self._joints = list(joints)
        self._others = others
        self._names = list(joints)

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
