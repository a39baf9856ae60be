"""The arm as Pinocchio has it, from the robot's own description: only the joints that are commanded move."""

from collections.abc import Iterable, Sequence

import numpy as np
import pinocchio as pin
from numpy.typing import NDArray

from async_rl_core.errors import SafetyError

Vector = NDArray[np.float64]


class ArmModel:
    """A model whose joints are `joints`; every other movable joint of the URDF is fixed at its neutral position.

    Raises `SafetyError` where the URDF cannot be read or lacks a joint.
    """

    def __init__(self, urdf: str, joints: Sequence[str]) -> None:
        self.full = _parse(urdf)
        self.fixed = [i for i in range(1, self.full.njoints) if self.full.names[i] not in joints]
        require(joints, list(self.full.names)[1:], "joint")
        self.model = pin.buildReducedModel(self.full, self.fixed, pin.neutral(self.full))
        self._ids = [self.model.getJointId(name) for name in joints]
        if wrong := [name for name, i in zip(joints, self._ids, strict=True) if self.model.joints[i].nq != 1]:
            raise SafetyError(f"robot_description: {wrong} must be revolute or prismatic joints with limits")
        self.columns = np.array([self.model.joints[i].idx_v for i in self._ids])
        self._index = np.array([self.model.joints[i].idx_q for i in self._ids])
        self._q: Vector = pin.neutral(self.model)

    def configuration(self, q: Vector | Sequence[float]) -> Vector:
        """Joint angles `q` (n,) in the order of `joints`, as Pinocchio takes them; the same array every time."""
        self._q[self._index] = q
        return self._q

    def reach(self, ends: Iterable[tuple[int, float]]) -> list[float]:
        """By joint, how far any of `ends` moves at most for each rad (m for a slide) that the joint moves: m per rad.

        `ends`: pairs of a joint's id and the distance in metres from its frame of what moves with it.
        """
        model = self.model
        greatest = [0.0] * model.njoints
        for joint, distance in ends:
            while joint > 0:
                slide = model.joints[joint].shortname().startswith("JointModelP")  # prismatic
                greatest[joint] = max(greatest[joint], 1.0 if slide else distance)
                distance += float(np.linalg.norm(model.jointPlacements[joint].translation))
                if slide:
                    i = model.joints[joint].idx_q
                    distance += float(max(abs(model.lowerPositionLimit[i]), abs(model.upperPositionLimit[i])))
                joint = model.parents[joint]
        return [greatest[i] for i in self._ids]


def require(names: Sequence[str], present: Sequence[str], kind: str) -> None:
    """Raise `SafetyError` with what of `names` the description lacks."""
    if missing := [name for name in names if name not in present]:
        raise SafetyError(f"robot_description has no {kind} {missing}; it has {sorted(set(present))}")


def _parse(urdf: str) -> pin.Model:
    try:
        return pin.buildModelFromXML(urdf)
    except (ValueError, RuntimeError) as error:
        raise SafetyError(f"robot_description is not a URDF that Pinocchio reads: {error}") from error
