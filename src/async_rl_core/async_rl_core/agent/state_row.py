"""The state that is observed: one row of floats."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from async_rl_core.agent.observation import JointState
from async_rl_core.spec.observation import ObservationSpec


class StateRow:
    """Builds the state row of an `ObservationSpec` from the arm's joints and the task's values.

    Args:
        spec: the parts and their order.
        actuated: indices of the actuated joints in command order.
    """

    def __init__(self, spec: ObservationSpec, actuated: NDArray[np.intp]) -> None:
        self._names = [part.name for part in spec.parts]
        self._actuated = actuated

    def __call__(
        self,
        joints: JointState,
        previous_action: NDArray[np.float32],
        values: Mapping[str, NDArray[np.float64]],
    ) -> NDArray[np.float32]:
        """Returns the state (s,). `values` holds the task's parts; a value beyond float32 becomes infinite."""
        parts: dict[str, NDArray[Any]] = {
            "joint_position": joints.position[self._actuated],
            "joint_velocity": joints.velocity[self._actuated],
            "previous_action": previous_action,
            **values,
        }
        with np.errstate(over="ignore"):
            return np.concatenate([parts[name] for name in self._names], dtype=np.float32)
