"""Contacts of the arm, found without the code under test from the meshes of the description."""

import numpy as np
import pinocchio as pin
from numpy.typing import NDArray

from async_rl_core.config.schema import RobotConfig
from async_rl_core.sim.model import resolved_urdf_text

Vector = NDArray[np.float64]


class ContactOracle:
    """Convex hulls of the links: contacts closer than `distance` metres, and the lowest point."""

    def __init__(self, robot: RobotConfig, distance: float) -> None:
        urdf = resolved_urdf_text(robot)
        self._model = pin.buildModelFromXML(urdf)
        self._data = self._model.createData()
        self._geometry = pin.buildGeomFromUrdfString(self._model, urdf, pin.GeometryType.COLLISION)
        self._q = pin.neutral(self._model)
        self._index = [self._model.joints[self._model.getJointId(name)].idx_q for name in robot.joints]
        shapes = self._geometry.geometryObjects
        for shape in shapes:
            if isinstance(shape.geometry, pin.coal.BVHModelBase):
                shape.geometry.buildConvexHull(True, "Qt")
                shape.geometry = shape.geometry.convex
        links = [self._model.frames[shape.parentFrame].name for shape in shapes]
        close = {frozenset(pair) for pair in robot.bodies.close}
        joints = [self._commanded(shape.parentJoint, robot) for shape in shapes]
        for j in range(len(shapes)):
            for i in range(j):
                parent = self._commanded(self._model.parents[joints[j]], robot)
                if joints[i] not in (joints[j], parent) and frozenset((links[i], links[j])) not in close:
                    self._geometry.addCollisionPair(pin.CollisionPair(i, j))
        self._places = self._geometry.createData()
        for request in self._places.collisionRequests:
            request.security_margin = distance
        high = {link for pair in robot.bodies.close if "table" in pair for link in pair}
        self._points = {
            i: np.array(shape.geometry.points())
            for i, shape in enumerate(shapes)
            if joints[i] and links[i] not in high and hasattr(shape.geometry, "points")
        }

    def _commanded(self, joint: int, robot: RobotConfig) -> int:
        """Returns the joint, or the next commanded one towards the base."""
        while joint and self._model.names[joint] not in robot.joints:
            joint = self._model.parents[joint]
        return joint

    def any(self, q: Vector) -> bool:
        """Returns whether two links are too close with the joints at `q` (n,), in the robot's order."""
        self._q[self._index] = q
        found: bool = pin.computeCollisions(self._model, self._data, self._geometry, self._places, self._q, True)
        return found

    def lowest(self, q: Vector) -> float:
        """Returns the height of the lowest point of the links near the table, in metres in the root frame."""
        self._q[self._index] = q
        pin.updateGeometryPlacements(self._model, self._data, self._geometry, self._places, self._q)
        places = self._places.oMg
        return min(
            float((points @ places[i].rotation[2]).min() + places[i].translation[2])
            for i, points in self._points.items()
        )
