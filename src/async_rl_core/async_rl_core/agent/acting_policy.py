"""What the agent's loop needs of a policy and of the arm's limits."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Action = NDArray[np.float32]


class ActingPolicy(Protocol):
    """Chooses actions: (h, w, c) uint8 and (p,) float32 to (a,) float32 in [-1, 1]."""

    def begin_episode(self, episode: int) -> None:
        """The actions from now on are those of an episode: their noise follows from its number."""

    def act(self, images: NDArray[np.uint8], state: NDArray[np.float32]) -> Action: ...


class VelocityLimits(Protocol):
    """Bends a joint velocity (n,) so that the arm stays where it may be."""

    def shape(self, position: Vector, velocity: Vector) -> Vector: ...
