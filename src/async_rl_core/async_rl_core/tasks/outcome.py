"""The outcome of an action, which a task judges."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

NO_IMAGE: NDArray[np.uint8] = np.zeros((0, 0, 3), np.uint8)
NO_IMAGE.setflags(write=False)
NO_STATE: Mapping[str, NDArray[np.float64]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """The state of arm and task one action cycle after an action."""

    joint_position: NDArray[np.float64]
    """(n,), rad, in the robot's command order."""
    joint_velocity: NDArray[np.float64]
    """(n,), rad/s."""
    action: NDArray[np.float32]
    """(a,) in [-1, 1]: the action that led here."""
    image: NDArray[np.uint8] = field(default_factory=lambda: NO_IMAGE)
    """(height, width, 3), RGB: the newest frame; (0, 0, 3) without a camera."""
    state: Mapping[str, NDArray[np.float64]] = field(default_factory=lambda: NO_STATE)
    """Values of the task's observation parts, by name."""


@dataclass(frozen=True, slots=True, eq=False)
class TaskState:
    """Values of a task's observation parts, from the simulator or from a sensor driver."""

    values: Mapping[str, NDArray[np.float64]]
    """By the name of the part."""
    episode: int
    """Number of the episode whose target and objects they describe; 0 where the source does not know episodes."""
    received: float
    """Seconds of the agent's clock."""
