"""Velocity and position limits of the joints."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from async_rl_core.config.schema import GuardConfig, RobotConfig
from async_rl_core.errors import SafetyError
from async_rl_core.safety.limits.ramp import Motion, Ramp

Found = TypeVar("Found")

BISECTIONS = 3
"""Steps of the search between a stop and a motion that violates a limit: a resolution of one eighth."""
EPSILON = 1e-9
"""rad of rounding that do not count as outside a joint limit."""


class JointLimits:
    """Limits each joint to velocities within its limit, after which it can stop before its position limits.

    Raises `SafetyError` where a joint accelerates faster than it may brake, so that no stop can be planned.

    Attributes:
        ramps: the acceleration and jerk limits of each joint.
    """

    def __init__(self, robot: RobotConfig, guard: GuardConfig) -> None:
        limits, cycle = robot.limits, 1.0 / robot.state_rate
        if any(a > s for a, s in zip(limits.acceleration, limits.stop_acceleration, strict=True)):
            raise SafetyError(
                f"{robot.name}: limits.acceleration exceeds limits.stop_acceleration: no stop can be planned"
            )
        rates = zip(limits.acceleration, limits.stop_acceleration, limits.jerk, strict=True)
        self.ramps = [Ramp(acceleration, stop, jerk, cycle) for acceleration, stop, jerk in rates]
        self._max = limits.velocity
        self._lower = [low + guard.position_margin for low in limits.position_lower]
        self._upper = [high - guard.position_margin for high in limits.position_upper]

    def clipped(self, velocity: Sequence[float]) -> list[float]:
        """Returns `velocity` (n,) in rad/s, clipped to the velocity limits."""
        return [min(max(v, -limit), limit) for v, limit in zip(velocity, self._max, strict=True)]

    def stoppable(self, i: int, q: float, last: Motion, motion: Motion) -> tuple[Motion, list[float], bool]:
        """Returns as much of `motion` as joint `i`, now at `q`, can stop from inside its limits.

        `last` is the motion of the previous cycle. The least result is a cycle of a stop. The other results are the
        positions of the stop, and whether `motion` was reduced.
        """
        positions = self.ramps[i].stop_positions(q, motion)
        if self._inside(i, q, positions):
            return motion, positions, False
        motion = self._reduced(i, q, last, motion)
        return motion, self.ramps[i].stop_positions(q, motion), True

    def _inside(self, i: int, q: float, positions: Sequence[float]) -> bool:
        """Returns whether joint `i`, now at `q`, stays inside its limits, or moves no further outside.

        No tolerance is allowed here: it would be allowed again in each cycle.
        """
        low, high = min(self._lower[i] - EPSILON, q), max(self._upper[i] + EPSILON, q)
        return low <= min(positions) and max(positions) <= high

    def _reduced(self, i: int, q: float, last: Motion, motion: Motion) -> Motion:
        ramp = self.ramps[i]
        braked = ramp.brake(last)

        def trial(share: float) -> Motion | None:
            tried = ramp.changed(last, braked[1] + share * (motion[1] - braked[1]))
            return tried if self._inside(i, q, ramp.stop_positions(q, tried)) else None

        return largest_admitted(trial, braked)


def largest_admitted(trial: Callable[[float], Found | None], least: Found) -> Found:
    """Bisects the shares between 0 and 1. Returns `trial` of the largest share that it admits, or `least`.

    `trial` returns None for a share that it does not admit.
    """
    best, share = least, 0.5
    for step in range(BISECTIONS):
        found = trial(share)
        if found is not None:
            best = found
        share += (0.25 if found is not None else -0.25) / 2**step
    return best
