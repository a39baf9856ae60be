"""Forward kinematics of the tool, from the robot's description."""

from collections.abc import Sequence

import numpy as np
import pinocchio as pin
from numpy.typing import NDArray

from async_rl_core.errors import SafetyError
from async_rl_core.safety.arm_model import ArmModel

Vector = NDArray[np.float64]


class Kinematics:
    """Position and Jacobian of `tool_frame` in `base_frame`, for joint vectors in the order of `joints`.

    Other movable joints stay at their neutral position. Not thread-safe: use one instance per thread.
    `reach` (n,) is the largest displacement of the tool in m per rad of each joint.

    Raises `SafetyError` where the URDF cannot be read, lacks a joint or link, or where `base_frame` moves.
    """

    def __init__(self, urdf: str, joints: Sequence[str], base_frame: str, tool_frame: str) -> None:
        self._arm = ArmModel(urdf, joints)
        model = self._model = self._arm.model
        base = model.frames[self._arm.link(base_frame)]
        self._tool = self._arm.link(tool_frame)
        _put_root_at(model, base)
        self.joints = tuple(joints)
        self._data = model.createData()
        self._place = self._data.oMf[self._tool].translation  # a view: follows the data
        tool = model.frames[self._tool]
        self.reach = self._arm.reach([(tool.parentJoint, float(np.linalg.norm(tool.placement.translation)))])

    def position(self, q: Vector | Sequence[float]) -> Vector:
        """Returns the tool's position (3,) in metres with the joints at `q` (n,) in rad."""
        pin.framesForwardKinematics(self._model, self._data, self._arm.configuration(q))
        place: Vector = self._place.copy()
        return place

    def jacobian(self, q: Vector | Sequence[float]) -> Vector:
        """Returns the Jacobian (3, n) from joint velocities in rad/s to the tool's velocity in m/s."""
        jacobian = pin.computeFrameJacobian(
            self._model,
            self._data,
            self._arm.configuration(q),
            self._tool,
            pin.ReferenceFrame.LOCAL_WORLD_ALIGNED,
        )
        columns: Vector = jacobian[:3, self._arm.columns]
        return columns


def _put_root_at(model: pin.Model, base: pin.Frame) -> None:
    """Expresses the model in the frame `base`, so that results need no further transform."""
    if base.parentJoint != 0:
        raise SafetyError(
            f"workspace.frame {base.name!r} moves with {model.names[base.parentJoint]!r}; name a fixed one"
        )
    inverse = base.placement.inverse()
    for i in range(1, model.njoints):
        if model.parents[i] == 0:
            model.jointPlacements[i] = inverse * model.jointPlacements[i]
