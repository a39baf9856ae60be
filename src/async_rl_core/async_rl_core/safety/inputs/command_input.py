"""The agent's velocity commands."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from async_rl_core.config.schema import GuardConfig, RobotConfig
from async_rl_core.errors import SafetyError
from async_rl_core.safety.inputs.joint_order import JointOrder

ABSURD = 5.0
"""Multiple of the velocity limit above which a command is a fault and is not clipped."""
STEADY = 10
"""Consecutive commands without a gap that arming requires."""


def command_timeout(config: GuardConfig, action_cycle_time: float) -> float:
    """Returns the seconds without a command after which the arm slows down.

    Raises `SafetyError` where that is not below the watchdog.
    """
    timeout = action_cycle_time + config.grace
    if timeout >= config.watchdog:
        raise SafetyError(
            f"an action cycle of {action_cycle_time:g} s and guard.grace of {config.grace:g} s together must stay "
            f"below guard.watchdog of {config.watchdog:g} s"
        )
    return timeout


@dataclass(frozen=True)
class Refusal:
    """The reason why a command was refused. `malformed`: it is invalid in every state of the guard."""

    text: str
    malformed: bool


class CommandInput:
    """Judges commands; keeps the newest valid one.

    Attributes:
        velocity: of the newest valid command, in rad/s by joint, in command order.
        accepted: number of valid commands.
        refused: number of the others.
    """

    def __init__(self, robot: RobotConfig, config: GuardConfig) -> None:
        self.velocity = [0.0] * len(robot.joints)
        self.accepted = 0
        self.refused = 0
        self._joints = robot.joints
        self._limits = robot.limits.velocity
        self._watchdog = config.watchdog
        self._order = JointOrder(robot.joints)
        self._sequence = -1
        self._received = -math.inf
        self._consecutive = 0

    def silence(self, now: float) -> float:
        """Returns the seconds since the newest valid command; infinite before the first."""
        return now - self._received

    def restart_count(self) -> None:
        """Requires `STEADY` further commands before the guard may arm."""
        self._consecutive = 0

    def missing(self, now: float) -> str | None:
        """Returns the reason why the agent does not count as alive, or None."""
        if self.silence(now) > self._watchdog:
            return "no fresh command of the agent"
        if self._consecutive < STEADY:
            return f"only {self._consecutive} commands of the agent in a row, {STEADY} needed"
        return None

    def take(
        self, now: float, sequence: int, names: Sequence[str], velocity: Sequence[float], restarted: bool
    ) -> Refusal | None:
        """Keeps a valid command. Returns the reason where it is refused.

        `restarted`: a new agent may have started, whose sequence numbers begin again.
        """
        refusal = self._judge(sequence, names, velocity, restarted)
        if refusal is not None:
            self.refused += 1
            self._consecutive = 0
            return refusal
        self._consecutive = 1 if self.silence(now) > self._watchdog else self._consecutive + 1
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
            if not abs(velocity[i]) <= ABSURD * limit:  # also true for NaN
                return f"has {velocity[i]} rad/s for {joint}, limit {limit}"
        return None

    def _repeated(self, sequence: int) -> bool:
        return sequence <= self._sequence
