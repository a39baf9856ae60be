"""The robot's joint states."""

import math
from collections.abc import Sequence

from async_rl_core.config.schema import GuardConfig, RobotConfig
from async_rl_core.safety.inputs.joint_order import JointOrder

STILL = 0.005
"""rad by which noise may move a joint at rest within `STILL_TIME`."""
STILL_TIME = 0.1
"""Seconds over which motion is judged, so that more than 0.05 rad/s counts as motion."""
JUMP = 0.02
"""rad that a joint may move beyond its velocity limit between two states: noise and jitter."""


class JointStateInput:
    """Judges joint states; keeps the newest valid one.

    Attributes:
        position: angles in rad of the newest state, in command order.
        accepted: whether the last message was a new, valid state.
        unchanged: whether the last message has a new stamp but the same angles although the arm is commanded to move.
        problem: reason why the last message was refused or ignored; empty where it was accepted.
    """

    def __init__(self, robot: RobotConfig, config: GuardConfig) -> None:
        self.position = [0.0] * len(robot.joints)
        self.accepted = False
        self.unchanged = False
        self.problem = ""
        self._robot = robot
        self._timeout = config.state_timeout
        self._slack = 1.0 / robot.state_rate
        self._order = JointOrder(robot.joints, others=True)
        self._received = self._moved_at = -math.inf
        self._still_position = self.position
        self._stamp = -1
        self._frozen = ""
        self._frozen_at = -math.inf

    def by_joint(self, values: Sequence[float]) -> list[float]:
        """Returns other values of the last message in command order; empty where a joint has none."""
        index = self._order.index
        return [float(values[i]) for i in index] if len(values) > max(index) else []

    def is_moving(self, now: float) -> bool:
        """Returns whether a joint moved within the last `STILL_TIME`."""
        return now - self._moved_at < STILL_TIME

    def silence(self, now: float) -> float:
        """Returns the seconds since the newest valid state; infinite before the first."""
        return now - self._received

    def frozen(self, now: float) -> bool:
        """Returns whether messages arrive that repeat an old state."""
        return bool(self._frozen) and now - self._frozen_at < self._timeout / 2

    def stale(self, now: float) -> str | None:
        """Returns the reason why the newest state is too old, or None where it is fresh."""
        age = self.silence(now)
        if age <= self._timeout:
            return None
        if age == math.inf:
            return f"{self._robot.state_topic} {self._frozen or 'silent'}"
        return f"{self._robot.state_topic} {self._frozen or 'silent'} for {1000 * age:.0f} ms"

    def missing(self, now: float) -> str | None:
        """Returns the reason why the arm may not be armed in this state, or None.

        Every joint must be inside its limits. It may be in the margin before a limit: a stop may end there, and the
        arm must be able to leave it.
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
        """Keeps complete, finite angles in rad that the arm can have reached. Returns the error of other messages.

        A repeated `stamp` (ns) does not refresh the state, nor do repeated angles where the arm is commanded to move
        (`moving`). A message that names none of the joints, such as a gripper's, is ignored.
        """
        self.accepted = self.unchanged = False
        if self._order.is_foreign(names):
            return None
        wrong = self._order.read(names, len(position))
        if wrong is None:
            wrong = self._store(now, stamp, [float(position[i]) for i in self._order.index], moving)
        frozen = self._frozen if self.silence(now) > self._timeout else ""  # a single repetition is harmless
        self.problem = f"{self._robot.state_topic} {problem}" if (problem := wrong or frozen) else ""
        return wrong and f"{self._robot.state_topic} {wrong}"

    def _store(self, now: float, stamp: int, angles: list[float], moving: bool) -> str | None:
        if (wrong := self._not_finite(angles)) is not None:
            return wrong
        if self._repeats(stamp, angles, moving):
            self._frozen_at = now
            return None
        jump = self._jump(now, stamp, angles)
        self.position = angles  # after a jump too: the next state is compared with it
        if any(abs(a - b) > STILL for a, b in zip(angles, self._still_position, strict=True)):
            self._still_position, self._moved_at = angles, now
        self._stamp = stamp
        if jump is None:
            self.accepted = True
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
            self.unchanged = True
            self._frozen = f"unchanged at {angles} while the arm is commanded to move,"
        else:
            return False
        return True

    def _jump(self, now: float, stamp: int, angles: list[float]) -> str | None:
        """Returns the joint that moved faster than it can, by receipt times or by stamps, whichever is longer."""
        elapsed = max(now - self._received, min((stamp - self._stamp) * 1e-9, self._timeout)) + self._slack
        limits = zip(self._robot.joints, self.position, angles, self._robot.limits.velocity, strict=True)
        for joint, before, after, limit in limits:
            if abs(after - before) > limit * elapsed + JUMP:
                change = f"from {before:.3f} to {after:.3f} rad in {1000 * elapsed:.0f} ms"
                return f"has {joint} jump {change}, limit {limit} rad/s"
        return None
