"""Pinocchio's model of the arm, in which only the commanded joints move."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pinocchio as pin
from numpy.typing import NDArray

from async_rl_core.errors import SafetyError
from async_rl_core.safety.urdf import one_line, with_distinct_links

Vector = NDArray[np.float64]


class ArmModel:
    """A model with the joints `joints`; every other movable joint of the URDF is fixed at its neutral position.

    Use `link` to find a link, because a joint may have the same name. `urdf` is the text that Pinocchio reads.

    Raises `SafetyError` where the URDF cannot be read or lacks a joint.
    """

    def __init__(self, urdf: str, joints: Sequence[str]) -> None:
        self.urdf, self.full, self._renamed = _parse(urdf)
        self._original = {new: name for name, new in self._renamed.items()}
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
        """Returns joint angles `q` (n,), in the order of `joints`, in Pinocchio's order; always the same array."""
        self._q[self._index] = q
        return self._q

    def link(self, name: str) -> int:
        """Returns the number of a link's frame in `model`. Raises `SafetyError` where it does not exist."""
        links = [frame.name for frame in self.model.frames if frame.type == pin.FrameType.BODY]
        require([name], [self._original.get(link, link) for link in links], "link")
        number: int = self.model.getFrameId(self._renamed.get(name, name), pin.FrameType.BODY)
        return number

    def name(self, frame: pin.Frame) -> str:
        """Returns a frame's name in the description."""
        name: str = self._original.get(frame.name, frame.name)
        return name

    def limits(self) -> list[tuple[float, float, float]]:
        """Returns the description's limits by joint: lowest and highest position in rad, velocity in rad/s."""
        model, found = self.model, []
        for i in self._ids:
            q, v = model.joints[i].idx_q, model.joints[i].idx_v
            found.append((model.lowerPositionLimit[q], model.upperPositionLimit[q], model.velocityLimit[v]))
        return [(float(low), float(high), float(speed)) for low, high, speed in found]

    def reach(self, ends: Iterable[tuple[int, float]]) -> list[float]:
        """Returns by joint the largest displacement of any of `ends` in m per rad (per m of a prismatic joint).

        `ends`: pairs of a joint's id and the distance in metres from its frame to a point that moves with it.
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
    """Raises `SafetyError` with the `names` that the description lacks."""
    if missing := [name for name in names if name not in present]:
        raise SafetyError(f"robot_description has no {kind} {missing}; it has {sorted(set(present))}")


def _parse(urdf: str) -> tuple[str, pin.Model, Mapping[str, str]]:
    try:
        text, renamed = with_distinct_links(urdf)
        return text, pin.buildModelFromXML(text), renamed
    except SafetyError as error:
        raise SafetyError(f"robot_description {error}") from None
    except (ValueError, RuntimeError, IndexError) as error:
        raise SafetyError(f"robot_description is not a URDF that Pinocchio reads: {one_line(error)}") from error
