"""The guard's limits: a commanded velocity that the arm may follow and can still stop from."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.schema import GuardConfig, RobotConfig
from async_rl_core.errors import SafetyError
from async_rl_core.safety.limits.path import StopPath
from async_rl_core.safety.limits.ramp import REST, Motion, Ramp
from async_rl_core.safety.limits.surface import LimitSurface, slide

Vector = NDArray[np.float64]

LONGEST_STOP = 2.0
"""Seconds: whoever ends the guard's process waits for longer than that before killing it."""
DELAY = 2.0
"""Cycles from the robot's reading of its joints to their receipt, at most."""
MOVING = 0.02
"""rad/s from which on an arm that follows is seen to move."""
BISECTIONS = 3
"""Steps of the search between a stop and a motion that leaves a limit: to an eighth."""
EPSILON = 1e-9
"""rad of rounding that do not count as outside a joint limit."""


def longest_stop(robot: RobotConfig) -> float:
    """Seconds of a stop from full speed, with the joint that takes longest still accelerating."""
    limits, cycle = robot.limits, 1.0 / robot.state_rate
    joints = zip(limits.velocity, limits.acceleration, limits.stop_acceleration, limits.jerk, strict=True)
    return max(cycle * len(Ramp(a, s, jerk, cycle).way(0.0, (v, a * cycle))) for v, a, s, jerk in joints)


def require_short_stop(robot: RobotConfig) -> None:
    """Raises `SafetyError` where a stop from full speed takes longer than `LONGEST_STOP`."""
    if (stop := longest_stop(robot)) > LONGEST_STOP:
        raise SafetyError(
            f"{robot.name}: a stop takes {stop:.2f} s from limits.velocity with limits.stop_acceleration, "
            f"at most {LONGEST_STOP:g} s are allowed; lower the velocity"
        )


class Area(Protocol):
    """What of space the arm may take up."""

    name: str

    def admits(self, path: StopPath) -> bool:
        """Whether the arm may go this way."""

    def surfaces(self, q: Sequence[float]) -> list[LimitSurface]:
        """What bounds it near the pose `q` (n,)."""


@dataclass(frozen=True)
class CyclePlan:
    """A cycle of each joint, and where the arm gets to if it stops after it. `bent`: for a joint limit."""

    motions: list[Motion]
    path: StopPath
    bent: bool


class LimitFilter:
    """Turns a wanted joint velocity into one inside every limit, cycle by cycle.

    Its invariant: the stop that `brake` would make from what was commanded last, cycle by cycle, has been looked at
    and stays inside the joint limits (less `position_margin`) and every area. A command passes if the stop after it
    does too; else as much of it as may; else the stop itself is what is sent. Velocity, acceleration and jerk limits
    hold in all of these. Where the arm is outside already, what does not lead further out passes.

    Raises `SafetyError` where the limits are such that a stop cannot be planned.
    """

    def __init__(self, robot: RobotConfig, guard: GuardConfig, areas: Sequence[Area]) -> None:
        limits = robot.limits
        if any(a > s for a, s in zip(limits.acceleration, limits.stop_acceleration, strict=True)):
            raise SafetyError(
                f"{robot.name}: limits.acceleration exceeds limits.stop_acceleration: no stop can be planned"
            )
        self.velocity: Vector = np.zeros(len(robot.joints))
        self._cycle = 1.0 / robot.state_rate
        rates = zip(limits.acceleration, limits.stop_acceleration, limits.jerk, strict=True)
        self._ramps = [Ramp(acceleration, stop, jerk, self._cycle) for acceleration, stop, jerk in rates]
        self._max = limits.velocity
        self._lower = [low + guard.position_margin for low in limits.position_lower]
        self._upper = [high - guard.position_margin for high in limits.position_upper]
        self._areas = areas
        self._motions = [REST] * len(robot.joints)
        self._ahead = [0.0] * len(robot.joints)
        self._behind = DELAY + robot.command_lag / self._cycle
        history = math.ceil(guard.state_timeout / self._cycle + self._behind)
        self._sent: deque[list[float]] = deque(maxlen=history)

    @property
    def at_rest(self) -> bool:
        """Whether the last command was zero."""
        return not any(velocity for velocity, _ in self._motions)

    @property
    def moving(self) -> bool:
        """Whether the last command moves the arm so fast that its joint states must show it."""
        return any(abs(velocity) > MOVING for velocity, _ in self._motions)

    def brake(self) -> None:
        """One cycle of a stop."""
        self._command(self._braked())

    def resume(self, velocities: Sequence[float], missed: int) -> None:
        """Go on from `velocities` (n,) in rad/s after a gap of so many cycles in which nothing was sent."""
        self._sent.extend([[velocity for velocity, _ in self._motions]] * missed)
        self._motions = [
            motion if motion[0] == velocity else (velocity, 0.0)
            for motion, velocity in zip(self._motions, velocities, strict=True)
        ]

    def halt(self) -> None:
        """Zero at once: for where there is no velocity to brake from."""
        self._command([REST] * len(self._motions))

    def follow(self, wanted: Sequence[float], position: Sequence[float], age: float) -> str | None:
        """One cycle towards `wanted` (n,) in rad/s, with the joints at `position` (n,) in rad `age` seconds ago.

        All values must be finite. Returns what bent the command: "velocity", "position", an area's name, or None.
        """
        elapsed = age / self._cycle
        here = self._moved_on(position, elapsed + self._behind)
        self._ahead = [a - b for a, b in zip(here, self._moved_on(position, elapsed), strict=True)]
        goal = self._clipped(wanted)
        plan = self._plan(self._followed(goal), here)
        cause = "position" if plan.bent else "velocity" if goal != list(wanted) else None
        if (refusing := self._refusing(plan)) is not None:
            cause = refusing.name
            plan = self._admitted(goal, here)
        self._command(plan.motions)
        return cause

    def _moved_on(self, position: Sequence[float], cycles: float) -> list[float]:
        """Returns where the joints come to that were at `position` so many cycles ago, by what was sent since."""
        here = list(position)
        for velocities in reversed(self._sent):
            time = min(cycles, 1.0) * self._cycle
            here = [q + velocity * time for q, velocity in zip(here, velocities, strict=True)]
            cycles -= 1.0
            if cycles <= 0.0:
                break
        return here

    def _clipped(self, wanted: Sequence[float]) -> list[float]:
        return [min(max(v, -limit), limit) for v, limit in zip(wanted, self._max, strict=True)]

    def _followed(self, goal: Sequence[float]) -> list[Motion]:
        return [ramp.follow(m, v) for ramp, m, v in zip(self._ramps, self._motions, goal, strict=True)]

    def _braked(self) -> list[Motion]:
        return [ramp.brake(motion) for ramp, motion in zip(self._ramps, self._motions, strict=True)]

    def _plan(self, motions: Sequence[Motion], here: Sequence[float]) -> CyclePlan:
        """`motions`, each as far as its joint can stop inside its limits after it."""
        taken, ways, bent = [], [], False
        for i, (motion, q) in enumerate(zip(motions, here, strict=True)):
            way = self._ramps[i].way(q, motion)
            if not self._inside(i, q, way):
                motion = self._stoppable(i, q, motion)
                way = self._ramps[i].way(q, motion)
                bent = True
            taken.append(motion)
            ways.append(way)
        return CyclePlan(taken, StopPath(here, ways, self._ahead), bent)

    def _inside(self, i: int, q: float, way: Sequence[float]) -> bool:
        """Returns whether joint `i`, now at `q`, stays inside its limits, or gets no further out than it is.

        No further at all: whatever were allowed here would be allowed in each cycle again.
        """
        low, high = min(self._lower[i] - EPSILON, q), max(self._upper[i] + EPSILON, q)
        return low <= min(way) and max(way) <= high

    def _stoppable(self, i: int, q: float, motion: Motion) -> Motion:
        """The most of `motion` after which joint `i` can stop inside its limits: at the least, a cycle of a stop."""
        ramp = self._ramps[i]
        best = braked = ramp.brake(self._motions[i])
        share = 0.5
        for step in range(BISECTIONS):
            trial = ramp.changed(self._motions[i], braked[1] + share * (motion[1] - braked[1]))
            inside = self._inside(i, q, ramp.way(q, trial))
            best = trial if inside else best
            share += (0.25 if inside else -0.25) / 2**step  # 1/2, then by quarters, eighths ...
        return best

    def _refusing(self, plan: CyclePlan) -> Area | None:
        return next((area for area in self._areas if not area.admits(plan.path)), None)

    def _admitted(self, goal: Sequence[float], here: Sequence[float]) -> CyclePlan:
        """The most of `goal`, led along the areas' surfaces, that they all admit: at the least, a cycle of a stop."""
        surfaces = [surface for area in self._areas for surface in area.surfaces(here)]
        for velocity in (goal, self._clipped(slide(goal, surfaces))):
            wanted = self._plan(self._in_step(velocity), here)
            if self._refusing(wanted) is None:
                return wanted
        braked = self._braked()
        best = self._plan(braked, here)
        share = 0.5
        for step in range(BISECTIONS):
            trial = self._plan(self._between(braked, wanted.motions, share), here)
            inside = self._refusing(trial) is None
            best = trial if inside else best
            share += (0.25 if inside else -0.25) / 2**step
        return best

    def _between(self, start: Sequence[Motion], end: Sequence[Motion], share: float) -> list[Motion]:
        return [
            ramp.changed(motion, a + share * (b - a))
            for ramp, motion, (_, a), (_, b) in zip(self._ramps, self._motions, start, end, strict=True)
        ]

    def _in_step(self, goal: Sequence[float]) -> list[Motion]:
        """One cycle towards `goal`, all joints in step: from rest, the tool sets out in the direction commanded."""
        left = [v - velocity for v, (velocity, _) in zip(goal, self._motions, strict=True)]
        share = min(
            [max(change / e, 0.0) for (_, change), e in zip(self._followed(goal), left, strict=True) if e], default=1.0
        )
        return [
            ramp.changed(motion, share * e) for ramp, motion, e in zip(self._ramps, self._motions, left, strict=True)
        ]

    def _command(self, motions: list[Motion]) -> None:
        self._motions = motions
        velocities = [velocity for velocity, _ in motions]
        self._sent.append(velocities)
        self.velocity[:] = velocities
