"""The target: a disc's centre in a picture."""

from dataclasses import dataclass
from typing import Protocol

from async_rl_core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Picture:
    """The picture that a target moves in, and the target's radius, in one unit; origin top left."""

    width: float
    height: float
    radius: float

    @property
    def room(self) -> tuple[float, float]:
        """Width and height in which the target's centre may lie, so that all of it is inside.

        Raises `ConfigError` where the target does not fit.
        """
        room = (self.width - 2 * self.radius, self.height - 2 * self.radius)
        if min(room) < 0:
            raise ConfigError(
                f"target: a radius of {self.radius:g} does not fit into a picture of {self.width:g}x{self.height:g}; "
                f"it may be at most {min(self.width, self.height) / 2:g}"
            )
        return room


class Target(Protocol):
    """The target's centre over an episode, in units of its picture, origin top left.

    The same seed and episode give the same target, independent of earlier calls.
    """

    moving: bool
    """Whether the position changes within an episode."""

    def reset(self, episode: int) -> None:
        """Places the target for an episode (>= 0)."""
        ...

    def position(self, elapsed: float) -> tuple[float, float]:
        """Returns (x, y) at `elapsed` seconds (>= 0) after the reset."""
        ...
