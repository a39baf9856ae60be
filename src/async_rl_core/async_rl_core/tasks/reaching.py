"""Task reaching: a disc that stands still on the monitor (Yuan, 2022, section 3.3)."""

import numpy as np

from async_rl_core.tasks.reward import TargetReward
from async_rl_core.tasks.target import Picture, Target
from async_rl_core.tasks.task import Task


class ReachingTarget:
    """Uniformly random where the whole target is visible; still for the episode.

    Raises:
        ConfigError: the target does not fit into the picture.
    """

    moving = False

    def __init__(self, picture: Picture, seed: int) -> None:
        self._room = picture.room
        self._radius = picture.radius
        self._seed = seed
        self.reset(0)

    def reset(self, episode: int) -> None:
        """Places the target for an episode (>= 0)."""
        x, y = np.random.default_rng((self._seed, episode)).random(2)
        self._position = (self._radius + float(x) * self._room[0], self._radius + float(y) * self._room[1])

    def position(self, elapsed: float) -> tuple[float, float]:
        """Returns (x, y), the same at every time."""
        return self._position


class Reaching(Task):
    """The disc is elsewhere in each episode; the reward is high where it is large and central in the image."""

    def reward(self) -> TargetReward:
        """Returns equation 3.1."""
        return TargetReward.from_config(self.config)

    def target(self, seed: int) -> Target:
        """Returns a target that stands still."""
        return ReachingTarget(self.picture, seed)

    @property
    def success(self) -> float:
        """`evaluation.success_coverage` of the image, red at its very centre, in the unit of the reward."""
        return self.config.evaluation.success_coverage * TargetReward.largest(self.config.reward)
