"""Task tracking: a disc that moves on the monitor (Yuan, 2022, section 3.3)."""

import math

import numpy as np

from async_rl_core.errors import ConfigError
from async_rl_core.tasks.reaching import Reaching
from async_rl_core.tasks.target import Picture, Target

TICK_TOLERANCE = 1e-6
"""Ticks by which an elapsed time may fall short of a tick and still count as that tick (rounding)."""


class TrackingTarget:
    """A disc that starts at the centre in a random direction, `speed` units per tick of `tick` seconds, and bounces.

    As in the authors' code, a component of the velocity reverses at the tick on which it would carry the disc
    over an edge; every step has therefore the same length.

    Raises:
        ConfigError: the disc, or a step of it, does not fit into the picture.
    """

    moving = True

    def __init__(self, picture: Picture, speed: float, tick: float, seed: int) -> None:
        self._room = picture.room
        if speed > min(self._room) / 2:
            raise ConfigError(
                f"target: {speed:g} units a tick carry the disc from the middle over the edge; "
                f"target.speed may be at most {min(self._room) / 2:g}"
            )
        self._size = (picture.width, picture.height)
        self._speed = speed
        self._tick = tick
        self._seed = seed
        self.reset(0)

    def reset(self, episode: int) -> None:
        """Places the disc at the centre, with the direction of an episode (>= 0)."""
        direction = np.random.default_rng((self._seed, episode)).uniform(0.0, 2 * math.pi)
        self._velocity = (self._speed * math.cos(direction), self._speed * math.sin(direction))

    def position(self, elapsed: float) -> tuple[float, float]:
        """Returns (x, y) at the last tick before `elapsed` seconds."""
        ticks = max(0, math.floor(elapsed / self._tick + TICK_TOLERANCE))
        x, y = (
            size / 2 + velocity * _bounced_steps(ticks, abs(velocity), room / 2)
            for size, velocity, room in zip(self._size, self._velocity, self._room, strict=True)
        )
        return x, y


def _bounced_steps(ticks: int, step: float, room: float) -> int:
    """Returns the net steps from the middle after `ticks` steps, reversed where `room` to either side is used up."""
    if step == 0:
        return 0
    reach = math.floor(room / step)
    phase = (ticks + reach) % (4 * reach)  # one period: middle, far side, near side, middle
    return phase - reach if phase <= 2 * reach else 3 * reach - phase


class Tracking(Reaching):
    """Reaching with a disc that moves."""

    def target(self, seed: int) -> Target:
        """Returns a target that moves."""
        target = self.config.target
        return TrackingTarget(self.picture, target.speed, target.tick, seed)
