"""What the agent's loop needs of a policy and of the arm's limits."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from async_rl_core.policies.base import ActingPolicy as ActingPolicy

Vector = NDArray[np.float64]
Action = NDArray[np.float32]


class VelocityLimits(Protocol):
    """Bends a joint velocity (n,) so that the arm stays where it may be."""

    def shape(self, position: Vector, velocity: Vector) -> Vector: ...
