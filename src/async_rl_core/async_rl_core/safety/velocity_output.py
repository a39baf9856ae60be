"""The velocity that the guard sends to the arm."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.schema import GuardConfig, RobotConfig
from async_rl_core.safety.kinematics import Kinematics
from async_rl_core.safety.limits.limit_filter import LimitFilter
from async_rl_core.safety.limits.space_limits import space_limits
from async_rl_core.safety.resumption import Resumption

Vector = NDArray[np.float64]


class VelocityOutput:
    """Computes the velocity of each cycle: inside every limit, from the arm's own velocity after a gap, and finite.

    Without a description of the robot it is zero.

    Args:
        robot: joints, limits and rates.
        config: margins.
        holds: without commands, the robot's side keeps the last velocity.

    Attributes:
        velocity: (n,) in rad/s, in command order.
        limited: cycles in which a limit reduced the command, by limit.
        collisions_unjudged: reason why collisions are not judged; empty where they are.
    """

    def __init__(self, robot: RobotConfig, config: GuardConfig, holds: bool) -> None:
        self.velocity: Vector = np.zeros(len(robot.joints))
        self.limited: Counter[str] = Counter()
        self.collisions_unjudged = ""
        self._robot = robot
        self._config = config
        self._cycle = 1.0 / robot.state_rate
        self._filter: LimitFilter | None = None
        self._resumption = Resumption(robot, holds)

    def describe(self, urdf: str, kinematics: Kinematics) -> None:
        """Sets the robot's description, and reads its meshes."""
        limits, self.collisions_unjudged = space_limits(urdf, self._robot, self._config, kinematics)
        self._filter = LimitFilter(self._robot, self._config, limits)
        self.velocity = self._filter.velocity

    @property
    def is_described(self) -> bool:
        """Whether there is a description."""
        return self._filter is not None

    @property
    def at_rest(self) -> bool:
        """Whether the last velocity was zero."""
        return self._filter is None or self._filter.at_rest

    @property
    def moving(self) -> bool:
        """Whether the last velocity was so high that the joint states must show motion."""
        return self._filter is not None and self._filter.moving

    @property
    def is_resuming(self) -> bool:
        """Whether the arm's velocity after a gap is not known yet, so that it may only brake."""
        return self._resumption.open

    def on_joint_state(self, now: float, stamp: int, position: Sequence[float], velocity: Sequence[float]) -> None:
        """Takes a valid joint state, by joint; `velocity` may be empty."""
        self._resumption.on_joint_state(now, stamp, position, velocity)

    def begin(self, now: float) -> None:
        """Begins a cycle. After a gap, the ramp continues from the arm's own velocity."""
        assert self._filter is not None
        sent = self.velocity.tolist()
        gap = self._resumption.watch(now, sent)
        if self._resumption.open:
            missed = max(round(gap / self._cycle) - 1, 0)
            self._filter.resume(self._resumption.velocities(now, sent), missed)

    def follow(self, wanted: Sequence[float], position: Sequence[float], age: float) -> None:
        """Makes one cycle towards `wanted` (n,) in rad/s; the joints were at `position` (n,) `age` s ago."""
        assert self._filter is not None
        if limit := self._filter.follow(wanted, position, age):
            self.limited[limit] += 1

    def brake(self) -> None:
        """Makes one cycle of a stop."""
        assert self._filter is not None
        self._filter.brake()

    def halt_unless_finite(self) -> str | None:
        """Sets a velocity that is not finite to zero. Returns the error then."""
        values = self.velocity.tolist()
        if math.isfinite(sum(values)):
            return None
        if self._filter is not None:
            self._filter.halt()
        return f"limits gave a velocity that is not finite: {values}"
