"""All limits together: the part of a commanded velocity that the arm may follow and can still stop from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.schema import GuardConfig, RobotConfig
from async_rl_core.safety.limits.joint_limits import JointLimits, largest_admitted
from async_rl_core.safety.limits.position_predictor import PositionPredictor
from async_rl_core.safety.limits.ramp import REST, Motion, StopPath
from async_rl_core.safety.limits.space_limits import SpaceLimit
from async_rl_core.safety.limits.surface import slide

Vector = NDArray[np.float64]

MOVING = 0.02
"""rad/s above which the joint states of an arm that follows must show motion."""


@dataclass(frozen=True)
class CyclePlan:
    """One cycle of each joint and the stop after it. `reduced`: by a joint's position limit."""

    motions: list[Motion]
    path: StopPath
    reduced: bool


class LimitFilter:
    """Turns a commanded joint velocity into one inside every limit, cycle by cycle.

    Invariant: the stop that `brake` would make from the last velocity sent, cycle by cycle, has been checked and stays
    inside the joint limits (less `position_margin`) and every space limit. A command is followed if the stop after it
    is inside as well; otherwise as much of it as possible; otherwise the next cycle of the stop is sent. Velocity,
    acceleration and jerk limits hold in each case. An arm that is outside a limit may move anywhere but further out.

    Raises `SafetyError` where the limits are such that a stop cannot be planned.

    Attributes:
        velocity: (n,) in rad/s, the last one sent; always the same array.
    """

    def __init__(self, robot: RobotConfig, guard: GuardConfig, limits: Sequence[SpaceLimit]) -> None:
        self.velocity: Vector = np.zeros(len(robot.joints))
        self._joints = JointLimits(robot, guard)
        self._ramps = self._joints.ramps
        self._limits = limits
        self._predictor = PositionPredictor(robot, guard)
        self._motions = [REST] * len(robot.joints)
        self._ahead = [0.0] * len(robot.joints)

    @property
    def at_rest(self) -> bool:
        """Whether the last velocity sent was zero."""
        return not any(velocity for velocity, _ in self._motions)

    @property
    def moving(self) -> bool:
        """Whether the last velocity sent is so high that the joint states must show motion."""
        return any(abs(velocity) > MOVING for velocity, _ in self._motions)

    def brake(self) -> None:
        """Makes one cycle of a stop."""
        self._send(self._braked())

    def resume(self, velocities: Sequence[float], missed: int) -> None:
        """Continues from `velocities` (n,) in rad/s after a gap of `missed` cycles in which nothing was sent."""
        self._predictor.on_gap([velocity for velocity, _ in self._motions], missed)
        self._motions = [
            motion if motion[0] == velocity else (velocity, 0.0)
            for motion, velocity in zip(self._motions, velocities, strict=True)
        ]

    def halt(self) -> None:
        """Sends zero at once; only for a velocity from which no ramp can be computed."""
        self._send([REST] * len(self._motions))

    def follow(self, wanted: Sequence[float], position: Sequence[float], age: float) -> str | None:
        """Makes one cycle towards `wanted` (n,) in rad/s, with the joints at `position` (n,) in rad `age` seconds ago.

        All values must be finite. Returns the limit that reduced the command: "velocity", "position", the name of a
        space limit, or None.
        """
        here, earliest = self._predictor.predict(position, age)
        self._ahead = [a - b for a, b in zip(here, earliest, strict=True)]
        goal = self._joints.clipped(wanted)
        plan = self._plan(self._followed(goal), here)
        cause = "position" if plan.reduced else "velocity" if goal != list(wanted) else None
        if (refusing := self._refusing(plan)) is not None:
            cause = refusing.name
            plan = self._admitted(goal, here)
        self._send(plan.motions)
        return cause

    def _followed(self, goal: Sequence[float]) -> list[Motion]:
        return [ramp.follow(m, v) for ramp, m, v in zip(self._ramps, self._motions, goal, strict=True)]

    def _braked(self) -> list[Motion]:
        return [ramp.brake(motion) for ramp, motion in zip(self._ramps, self._motions, strict=True)]

    def _plan(self, motions: Sequence[Motion], here: Sequence[float]) -> CyclePlan:
        """Returns `motions`, each as far as its joint can stop inside its limits after it."""
        joints = [
            self._joints.stoppable(i, q, last, motion)
            for i, (q, last, motion) in enumerate(zip(here, self._motions, motions, strict=True))
        ]
        taken, positions, reduced = zip(*joints, strict=True)
        return CyclePlan(list(taken), StopPath(here, positions, self._ahead), any(reduced))

    def _refusing(self, plan: CyclePlan) -> SpaceLimit | None:
        return next((limit for limit in self._limits if not limit.admits(plan.path)), None)

    def _admitted(self, goal: Sequence[float], here: Sequence[float]) -> CyclePlan:
        """Returns as much of `goal` as every space limit admits, if necessary along a surface, or a cycle of a stop."""
        surfaces = [surface for limit in self._limits for surface in limit.surfaces(here)]
        for velocity in (goal, self._joints.clipped(slide(goal, surfaces))):
            wanted = self._plan(self._in_step(velocity), here)
            if self._refusing(wanted) is None:
                return wanted
        braked = self._braked()

        def trial(share: float) -> CyclePlan | None:
            plan = self._plan(self._between(braked, wanted.motions, share), here)
            return plan if self._refusing(plan) is None else None

        return largest_admitted(trial, self._plan(braked, here))

    def _between(self, start: Sequence[Motion], end: Sequence[Motion], share: float) -> list[Motion]:
        return [
            ramp.changed(motion, a + share * (b - a))
            for ramp, motion, (_, a), (_, b) in zip(self._ramps, self._motions, start, end, strict=True)
        ]

    def _in_step(self, goal: Sequence[float]) -> list[Motion]:
        """Returns one cycle towards `goal` with the same share for all joints.

        From rest, the tool thus starts in the commanded direction.
        """
        left = [v - velocity for v, (velocity, _) in zip(goal, self._motions, strict=True)]
        share = min(
            [max(change / e, 0.0) for (_, change), e in zip(self._followed(goal), left, strict=True) if e], default=1.0
        )
        return [
            ramp.changed(motion, share * e) for ramp, motion, e in zip(self._ramps, self._motions, left, strict=True)
        ]

    def _send(self, motions: list[Motion]) -> None:
        self._motions = motions
        velocities = [velocity for velocity, _ in motions]
        self._predictor.on_sent(velocities)
        self.velocity[:] = velocities
