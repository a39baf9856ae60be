"""Where the tool is and how the joints move it, from the robot's own description."""

from collections.abc import Sequence

import numpy as np
import pinocchio as pin
from numpy.typing import NDArray

from async_rl_core.errors import SafetyError

Vector = NDArray[np.float64]


class Kinematics:
    """Position and Jacobian of `tool_frame` in `base_frame`, for joint vectors in the order of `joints`.

    Other movable joints of the model stay at their neutral position. Not thread-safe: one instance per thread.

    Raises `SafetyError` where the URDF cannot be read, lacks a joint or frame, or where `base_frame` moves.
    """

    def __init__(self, urdf: str, joints: Sequence[str], base_frame: str, tool_frame: str) -> None:
        full = _parse(urdf)
        _require(joints, list(full.names)[1:], "joint")
        _require((base_frame, tool_frame), [frame.name for frame in full.frames], "frame")
        others = [i for i in range(1, full.njoints) if full.names[i] not in joints]
        model = pin.buildReducedModel(full, others, pin.neutral(full))
        ids = [model.getJointId(name) for name in joints]
        if wrong := [name for name, i in zip(joints, ids, strict=True) if model.joints[i].nq != 1]:
            raise SafetyError(f"robot_description: {wrong} must be revolute or prismatic joints with limits")
        _put_root_at(model, base_frame)
        self.joints = tuple(joints)
        self._model = model
        self._data = model.createData()
        self._tool = model.getFrameId(tool_frame)
        self._place = self._data.oMf[self._tool].translation  # a view: follows the data
        self._index = np.array([model.joints[i].idx_q for i in ids])
        self._column = np.array([model.joints[i].idx_v for i in ids])
        self._q = pin.neutral(model)

    def position(self, q: Vector) -> Vector:
        """The tool's position (3,) in metres with the joints at `q` (n,) in rad."""
        self._q[self._index] = q
        pin.framesForwardKinematics(self._model, self._data, self._q)
        place: Vector = self._place.copy()
        return place

    def jacobian(self, q: Vector) -> Vector:
        """The matrix (3, n) from joint velocities in rad/s to the tool's velocity in m/s."""
        self._q[self._index] = q
        jacobian = pin.computeFrameJacobian(
            self._model, self._data, self._q, self._tool, pin.ReferenceFrame.LOCAL_WORLD_ALIGNED
        )
        columns: Vector = jacobian[:3, self._column]
        return columns


def _parse(urdf: str) -> pin.Model:
    try:
        return pin.buildModelFromXML(urdf)
    except (ValueError, RuntimeError) as error:
        raise SafetyError(f"robot_description is not a URDF that Pinocchio reads: {error}") from error


def _require(names: Sequence[str], present: Sequence[str], kind: str) -> None:
    if missing := [name for name in names if name not in present]:
        raise SafetyError(f"robot_description has no {kind} {missing}; it has {sorted(set(present))}")


def _put_root_at(model: pin.Model, base_frame: str) -> None:
    """Express the model in `base_frame`, so that no result needs another transform."""
    base = model.frames[model.getFrameId(base_frame)]
    if base.parentJoint != 0:
        raise SafetyError(
            f"workspace.frame {base_frame!r} moves with {model.names[base.parentJoint]!r}; name a fixed one"
        )
    inverse = base.placement.inverse()
    for i in range(1, model.njoints):
        if model.parents[i] == 0:
            model.jointPlacements[i] = inverse * model.jointPlacements[i]
