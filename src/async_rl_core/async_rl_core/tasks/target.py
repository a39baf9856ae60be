"""Where the target is on the screen: still in Reaching, moving in Tracking."""

import math
from typing import Protocol

import numpy as np

from async_rl_core.config.schema import TargetConfig
from async_rl_core.errors import ConfigError

TICK_TOLERANCE = 1e-6
"""Ticks by which an elapsed time may fall short of a tick and still count as that tick (rounding)."""


class Target(Protocol):
    """A disc's centre over an episode, in units of the picture, origin top left.

    The same seed and episode give the same target, whatever was asked before.
    """

    moving: bool
    """Whether the position changes within an episode."""

    def reset(self, episode: int) -> None:
        """Place the target for an episode (>= 0)."""
        ...

    def position(self, elapsed: float) -> tuple[float, float]:
        """(x, y) at `elapsed` seconds (>= 0) after the reset."""
        ...


class ReachingTarget:
    """Uniformly random where the whole disc is visible; still for the episode (Yuan 2022, section 3.3).

    Raises:
        ConfigError: the disc does not fit into the picture.
    """

    moving = False

    def __init__(self, config: TargetConfig, seed: int) -> None:
        self._room = _room(config)
        self._radius = config.radius
        self._seed = seed
        self.reset(0)

    def reset(self, episode: int) -> None:
        """Place the target for an episode (>= 0)."""
        x, y = np.random.default_rng((self._seed, episode)).random(2)
        self._position = (self._radius + float(x) * self._room[0], self._radius + float(y) * self._room[1])

    def position(self, elapsed: float) -> tuple[float, float]:
        """(x, y), the same at every time."""
        return self._position


class TrackingTarget:
    """From the centre in a random direction, one step a tick, bouncing from the edges (Yuan 2022, section 3.3).

    As in the authors' code, a component of the velocity turns round at the tick on which it would carry the disc
    over an edge; every step has therefore the same length.

    Raises:
        ConfigError: the disc, or a step of it, does not fit into the picture.
    """

    moving = True

    def __init__(self, config: TargetConfig, seed: int) -> None:
        self._room = _room(config)
        if config.speed > min(self._room) / 2:
            raise ConfigError(
                f"target: {config.speed:g} units a tick carry the disc from the middle over the edge; "
                f"target.speed may be at most {min(self._room) / 2:g}"
            )
        self._size = (config.width, config.height)
        self._speed = config.speed
        self._tick = config.tick
        self._seed = seed
        self.reset(0)

    def reset(self, episode: int) -> None:
        """Back to the centre, with the direction of an episode (>= 0)."""
        direction = np.random.default_rng((self._seed, episode)).uniform(0.0, 2 * math.pi)
        self._velocity = (self._speed * math.cos(direction), self._speed * math.sin(direction))

    def position(self, elapsed: float) -> tuple[float, float]:
        """(x, y) at the last tick before `elapsed` seconds."""
        ticks = max(0, math.floor(elapsed / self._tick + TICK_TOLERANCE))
        x, y = (
            size / 2 + velocity * _bounced_steps(ticks, abs(velocity), room / 2)
            for size, velocity, room in zip(self._size, self._velocity, self._room, strict=True)
        )
        return x, y


def _bounced_steps(ticks: int, step: float, room: float) -> int:
    """Net steps from the middle after `ticks` of them, turning round where `room` to either side is used up."""
    if step == 0:
        return 0
    reach = math.floor(room / step)
    phase = (ticks + reach) % (4 * reach)  # one period: middle, far side, near side, middle
    return phase - reach if phase <= 2 * reach else 3 * reach - phase


def _room(config: TargetConfig) -> tuple[float, float]:
    """Width and height in which the disc's centre may lie."""
    room = (config.width - 2 * config.radius, config.height - 2 * config.radius)
    if min(room) < 0:
        raise ConfigError(
            f"target: a disc of radius {config.radius:g} does not fit into a picture of "
            f"{config.width:g}x{config.height:g}; target.radius may be at most {min(config.width, config.height) / 2:g}"
        )
    return room
