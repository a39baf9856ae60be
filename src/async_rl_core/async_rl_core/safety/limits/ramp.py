"""The velocity of one joint from cycle to cycle, inside its acceleration and jerk limits."""

import math

Motion = tuple[float, float]
"""A joint's velocity in rad/s, and by how much it changed from the cycle before."""
REST: Motion = (0.0, 0.0)


class Ramp:
    """Brings a velocity towards a goal, cycle by cycle, as fast as the limits allow and without overshoot.

    A cycle changes the velocity by at most the acceleration times `cycle` seconds, and that change by at most `jerk`
    times `cycle` squared. So it slows its change in time: what it would still have to add on the way to a change of
    zero never exceeds what is left. Only a goal that moves nearer meanwhile is overshot, by what jerk makes inevitable.

    Args:
        acceleration: rad/s^2, towards a goal.
        stop_acceleration: rad/s^2, of a stop.
        jerk: rad/s^3, of both.
    """

    def __init__(self, acceleration: float, stop_acceleration: float, jerk: float, cycle: float) -> None:
        self._cycle = cycle
        self._following = acceleration * cycle
        self._braking = stop_acceleration * cycle
        self._bend = jerk * cycle * cycle

    def follow(self, motion: Motion, goal: float) -> Motion:
        """The next cycle on the way to a velocity of `goal`."""
        return self._next(motion, goal, self._following)

    def brake(self, motion: Motion) -> Motion:
        """The next cycle of a stop."""
        return self._next(motion, 0.0, self._braking)

    def changed(self, motion: Motion, change: float) -> Motion:
        """The next cycle with this change of velocity, or with the nearest that jerk allows."""
        change = min(max(change, motion[1] - self._bend), motion[1] + self._bend)
        return motion[0] + change, change

    def way(self, start: float, motion: Motion) -> list[float]:
        """Where the joint is at the end of the cycle `motion`, begun at `start`, and of every cycle of a stop after it.

        Positions in rad; the last is the place of rest.
        """
        cycle, position = self._cycle, start + motion[0] * self._cycle
        positions = [position]
        while motion[0] or abs(motion[1]) > self._bend:
            motion = self._next(motion, 0.0, self._braking)
            position += motion[0] * cycle
            positions.append(position)
        return positions

    def _next(self, motion: Motion, goal: float, limit: float) -> Motion:
        """One cycle towards `goal`, with a change of `limit` at most.

        A change of x that falls by `bend` in each cycle lasts n = floor(x / bend) cycles more and adds up to
        (n + 1) x - bend n (n + 1) / 2, which must not exceed what is left. Written flat, for it runs 40 times a cycle.
        """
        velocity, change = motion
        bend = self._bend
        left = goal - velocity
        size = left if left >= 0.0 else -left
        if size > bend:
            n = int((math.sqrt(1.0 + 8.0 * size / bend) - 1.0) / 2.0)
            size = size / (n + 1) + bend * n / 2.0
        if size > limit:
            size = limit
        wanted = size if left >= 0.0 else -size
        if wanted > change + bend:
            wanted = change + bend
        elif wanted < change - bend:
            wanted = change - bend
        return (goal if wanted == left else velocity + wanted), wanted
