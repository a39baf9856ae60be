"""The guard's limits: a commanded velocity that the arm may follow and can still stop from."""

import math

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.schema import GuardConfig, RobotConfig
from async_rl_core.errors import SafetyError
from async_rl_core.safety.kinematics import Kinematics

Vector = NDArray[np.float64]

REACTION = 1.5
"""Cycles at constant velocity before a stop takes hold: half for the discrete ramp, one for a rising velocity."""
DELAY = 1.0
"""Cycles from the robot's reading of its joints to our receipt of them."""
PATHS = tuple(tuple(1.0 - math.sqrt(1.0 - k / n) for k in range(n + 1)) for n in range(1, 9))
"""By number of checks: the fractions of a stop's duration between which a braking joint goes equally far."""
SPACING = 0.08
"""rad, summed over the joints, from one check of the tool's place on a stop's path to the next."""
CLEARANCE = 0.005
"""Metres kept free before the guard's box: what a curved path may stand out between two checks."""
BISECTIONS = 4
"""Steps of the search for the fastest velocity that stays inside the box: to a sixteenth."""


class LimitFilter:
    """Turns a wanted joint velocity into one inside every limit, cycle by cycle; its state is what was commanded last.

    In this order of precedence: changes by at most `stop_acceleration` times the cycle; stays able to stop before the
    joint limits (less `position_margin`) and inside the box (more `workspace_margin`); does not exceed the velocity
    limits; changes by at most `acceleration` times the cycle where no stop is due. What it lets through, `brake` can
    stop cycle by cycle without leaving, each joint by its own ramp. Where the arm is outside already, only motion
    that does not go further out passes.

    Raises `SafetyError` where the limits are such that a stop cannot be planned.
    """

    def __init__(self, robot: RobotConfig, guard: GuardConfig, kinematics: Kinematics) -> None:
        limits = robot.limits
        if any(a > s for a, s in zip(limits.acceleration, limits.stop_acceleration, strict=True)):
            raise SafetyError(
                f"{robot.name}: limits.acceleration exceeds limits.stop_acceleration: no stop can be planned"
            )
        self.velocity: Vector = np.zeros(len(robot.joints))
        self._cycle = 1.0 / robot.state_rate
        self._kinematics = kinematics
        self._lower = [low + guard.position_margin for low in limits.position_lower]
        self._upper = [high - guard.position_margin for high in limits.position_upper]
        self._max = list(limits.velocity)
        self._step = [a * self._cycle for a in limits.acceleration]
        self._stop = list(limits.stop_acceleration)
        margin = guard.workspace_margin - CLEARANCE
        self._box_lower = [low - margin for low in robot.workspace.lower]
        self._box_upper = [high + margin for high in robot.workspace.upper]
        self._q = np.zeros(len(robot.joints))
        self._previous = [0.0] * len(robot.joints)

    @property
    def at_rest(self) -> bool:
        """Whether the last command was zero."""
        return not any(self._previous)

    def brake(self) -> None:
        """One cycle of a stop: every joint's velocity goes towards zero by its stop acceleration."""
        self._command(self._braked())

    def halt(self) -> None:
        """Zero at once: for where there is no velocity to brake from."""
        self._command([0.0] * len(self._previous))

    def follow(self, wanted: list[float], position: list[float], age: float) -> bool:
        """One cycle towards `wanted` (n,) in rad/s, with the joints at `position` (n,) in rad `age` seconds ago.

        All values must be finite. Returns whether a velocity, position or workspace limit bent the command.
        """
        ahead = age + DELAY * self._cycle
        estimate = [q + v * ahead for q, v in zip(position, self._previous, strict=True)]
        allowed = [min(max(v, -limit), limit) for v, limit in zip(wanted, self._max, strict=True)]
        ramped = [_towards(v, goal, step) for v, goal, step in zip(self._previous, allowed, self._step, strict=True)]
        bounded = self._bounded(ramped, estimate)
        boxed = self._boxed(bounded, allowed, estimate)
        self._command(boxed)
        return allowed != wanted or bounded != ramped or boxed is not bounded

    def _bounded(self, velocity: list[float], estimate: list[float]) -> list[float]:
        """`velocity` as far as every joint can stop before its limits, and as a stop can bring it there."""
        bounded = []
        for i, (q, v) in enumerate(zip(estimate, velocity, strict=True)):
            low = -self._stoppable(q - self._lower[i], self._stop[i])
            high = self._stoppable(self._upper[i] - q, self._stop[i])
            inside = min(max(v, low), high)
            bounded.append(_towards(self._previous[i], inside, self._stop[i] * self._cycle))
        return bounded

    def _in_step(self, goal: list[float]) -> list[float]:
        """One cycle towards `goal`, all joints in step: from rest, the tool sets out in the direction commanded."""
        changes = [v - start for v, start in zip(goal, self._previous, strict=True)]
        share = min(step / max(abs(change), step) for change, step in zip(changes, self._step, strict=True))
        return [start + share * change for start, change in zip(self._previous, changes, strict=True)]

    def _stoppable(self, distance: float, acceleration: float) -> float:
        """The greatest velocity from which a joint stops within `distance`: v^2 / 2a + v t = d, solved for v."""
        if distance <= 0.0:
            return 0.0
        lost = acceleration * REACTION * self._cycle
        return math.sqrt(lost * lost + 2.0 * acceleration * distance) - lost

    def _braked(self) -> list[float]:
        return [_towards(v, 0.0, a * self._cycle) for v, a in zip(self._previous, self._stop, strict=True)]

    def _boxed(self, velocity: list[float], wanted: list[float], estimate: list[float]) -> list[float]:
        """`velocity`, or what leaves the tool able to stop inside the box: at the least, one cycle of braking.

        Where `velocity` does not, the search goes towards it with all joints in step, so that a motion that leads
        inwards keeps its direction.
        """
        excess = self._excess(estimate)
        if self._stops_within(excess, velocity, estimate):
            return velocity
        best = braked = self._braked()
        goal = self._bounded(self._in_step(wanted), estimate)
        if self._stops_within(excess, goal, estimate):
            return goal
        share = 0.5
        for bisection in range(BISECTIONS):
            trial = [b + share * (v - b) for b, v in zip(braked, goal, strict=True)]
            inside = self._stops_within(excess, trial, estimate)
            if inside:
                best = trial
            share += (0.25 if inside else -0.25) / 2**bisection  # 1/2, then by quarters, eighths ...
        return best

    def _stops_within(self, excess: float, velocity: list[float], estimate: list[float]) -> bool:
        """Whether the tool gets no further out of the box than `excess` if the arm stops from `velocity`."""
        reaction = REACTION * self._cycle
        duration = max(abs(v) / a for v, a in zip(velocity, self._stop, strict=True))
        length = sum(abs(v) * (reaction + abs(v) / (2.0 * a)) for v, a in zip(velocity, self._stop, strict=True))
        for fraction in PATHS[min(int(length / SPACING), len(PATHS) - 1)]:
            end = fraction * duration
            path = [q + _way(v, a, end, reaction) for q, v, a in zip(estimate, velocity, self._stop, strict=True)]
            if not self._excess(path) <= excess + 1e-15:
                return False
        return True

    def _excess(self, q: list[float]) -> float:
        """The squared distance from the box to the tool with the joints at `q`; 0 inside."""
        self._q[:] = q
        tool: list[float] = self._kinematics.position(self._q).tolist()
        squared = 0.0
        for low, p, high in zip(self._box_lower, tool, self._box_upper, strict=True):
            out = max(low - p, p - high)
            if not out <= 0.0:
                squared += out * out
        return squared

    def _command(self, velocity: list[float]) -> None:
        self._previous = velocity
        self.velocity[:] = velocity


def _towards(start: float, goal: float, step: float) -> float:
    """`goal`, or what is within `step` of `start` in its direction."""
    if goal > start + step:
        return start + step
    if goal < start - step:
        return start - step
    return goal


def _way(velocity: float, acceleration: float, time: float, reaction: float) -> float:
    """How far a joint moves in `reaction` seconds at `velocity` and `time` seconds of a stop after that."""
    braking = min(time, abs(velocity) / acceleration)
    return velocity * (reaction + braking) - math.copysign(acceleration, velocity) * braking * braking / 2.0
