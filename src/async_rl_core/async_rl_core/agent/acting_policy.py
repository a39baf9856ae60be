"""Interfaces of the policy and of the arm's limits, as the agent's loop uses them."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from async_rl_core.policies.base import ActingPolicy as ActingPolicy

Vector = NDArray[np.float64]
Action = NDArray[np.float32]


class VelocityLimits(Protocol):
    """Limits a joint velocity (n,) so that the arm stays within its limits."""

    def shape(self, position: Vector, velocity: Vector) -> Vector: ...
