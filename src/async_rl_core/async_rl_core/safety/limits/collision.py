"""The collision limit: the arm's bodies keep a margin from one another and from the table."""

import os
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pinocchio as pin
from numpy.typing import NDArray

from async_rl_core.config.schema import RobotConfig
from async_rl_core.errors import SafetyError
from async_rl_core.ros_environment import ament_prefixes
from async_rl_core.safety.arm_model import ArmModel, require
from async_rl_core.safety.limits.ramp import StopPath
from async_rl_core.safety.limits.ratchet import Ratchet
from async_rl_core.safety.limits.surface import LimitSurface
from async_rl_core.safety.urdf import one_line

Vector = NDArray[np.float64]

SLIDING = 0.03
"""Metres outside the margin within which a motion is led along a surface."""
EPSILON = 1e-5
"""Error in metres of a computed distance."""
_ADDED = "tool", "table"
"""Bodies that are not in the description."""


class GeometryError(SafetyError):
    """The description has no readable collision shapes. Every other limit can still be judged."""


class CollisionLimit:
    """Keeps the convex hulls of the links, a sphere around the tool and the table top `margin` metres apart.

    Two bodies closer than `margin` are called near. Neighbours in the chain are not judged, nor the pairs in
    `robot.bodies.close`.

    Args:
        robot: joints, bodies, workspace and start pose.
        margin: metres.
        cycle: seconds between two poses of a path.

    Attributes:
        judged: the pairs that are judged, in words.

    Raises:
        GeometryError: the URDF has no collision shapes, or a mesh is missing.
        SafetyError: `close` names a body that does not exist, two bodies are near at the start pose, or the arm moves
            too far in a cycle for this margin.
    """

    name = "collision"

    def __init__(self, urdf: str, robot: RobotConfig, margin: float, cycle: float) -> None:
        self._arm = ArmModel(urdf, robot.joints)
        self._margin = margin
        self._model, self._geometry = self._read(self._arm.urdf, robot)
        moving = [body for body in self._geometry.geometryObjects if body.parentJoint]
        self._reach = self._arm.reach([(body.parentJoint, _radius(body)) for body in moving])
        self._require_short_steps(robot, cycle)
        self._judge(self._pairs(robot))
        self.judged = [self._words(pair) for pair in self._geometry.collisionPairs]
        self._require_clear(robot)
        self._ratchet = Ratchet(EPSILON)
        self._seen: tuple[list[float], dict[int, float]] = [], {}

    def admits(self, path: StopPath) -> bool:
        """Returns whether no pair becomes near on this path, and no pair that is near comes closer."""
        clear = not any(self._any_near(pose) for pose in self._checkpoints(path))
        if clear and not self._ratchet:
            return True
        before = self._near_now(path.start)
        if not before:
            self._ratchet.update(before)
            return clear
        return self._ratchet.admits(before, map(self.near, path.poses), path.length(self._reach))

    def surfaces(self, q: Sequence[float]) -> list[LimitSurface]:
        """Returns a surface for each pair of bodies within `SLIDING` of the margin."""
        configuration = self._arm.configuration(q)
        pin.computeDistances(self._model, self._data, self._geometry, self._places, configuration)
        pin.computeJointJacobians(self._model, self._data, configuration)
        pairs = zip(self._geometry.collisionPairs, self._places.distanceResults, strict=True)
        return [
            LimitSurface(self._approach(pair, result), result.min_distance - self._margin)
            for pair, result in pairs
            if result.min_distance < self._margin + SLIDING
        ]

    def near(self, q: Sequence[float]) -> dict[int, float]:
        """Returns the distance in m of each near pair, by number; negative where they overlap."""
        pin.computeCollisions(self._model, self._data, self._geometry, self._places, self._arm.configuration(q), False)
        found = [i for i, result in enumerate(self._places.collisionResults) if result.isCollision()]
        return {i: pin.computeDistance(self._geometry, self._places, i).min_distance for i in found}

    def _approach(self, pair: pin.CollisionPair, result: pin.coal.DistanceResult) -> Vector:
        """Returns the row (n,) from joint velocities to the speed at which the pair's nearest points approach."""
        first = self._point_jacobian(pair.first, result.getNearestPoint1())
        second = self._point_jacobian(pair.second, result.getNearestPoint2())
        row: Vector = (result.normal @ (first - second))[self._arm.columns]
        return row

    def _point_jacobian(self, body: int, point: Vector) -> Vector:
        """Returns the Jacobian (3, n) of a point that moves with a body."""
        joint = self._geometry.geometryObjects[body].parentJoint
        jacobian = pin.getJointJacobian(self._model, self._data, joint, pin.ReferenceFrame.LOCAL_WORLD_ALIGNED)
        lever = pin.skew(point - self._data.oMi[joint].translation)
        matrix: Vector = jacobian[:3] - lever @ jacobian[3:]
        return matrix

    def _checkpoints(self, path: StopPath) -> list[list[float]]:
        """Returns poses between which no body moves more than twice the margin.

        A body that is clear at two such poses is clear between them.
        """
        found, last, previous = [], path.start, path.poses[0]
        for pose in path.poses:
            if self._displacement(last, pose) > 2.0 * self._margin:
                found.append(previous)
                last = previous
            previous = pose
        found.append(previous)
        return found

    def _displacement(self, a: Sequence[float], b: Sequence[float]) -> float:
        return sum(r * abs(q - p) for r, p, q in zip(self._reach, a, b, strict=True))

    def _any_near(self, q: Sequence[float]) -> bool:
        near: bool = pin.computeCollisions(
            self._model, self._data, self._geometry, self._places, self._arm.configuration(q), True
        )
        return near

    def _near_now(self, q: Sequence[float]) -> dict[int, float]:
        """Returns `near` at the present pose, cached: every path of a cycle starts there."""
        if self._seen[0] != q:
            self._seen = list(q), self.near(q)
        return self._seen[1]

    def _read(self, urdf: str, robot: RobotConfig) -> tuple[pin.Model, pin.GeometryModel]:
        full = self._arm.full
        try:
            shapes = pin.buildGeomFromUrdfString(
                full, urdf, pin.GeometryType.COLLISION, package_dirs=_package_folders()
            )
            for body in shapes.geometryObjects:
                if isinstance(body.geometry, pin.coal.BVHModelBase):
                    body.geometry.buildConvexHull(True, "Qt")
                    body.geometry = body.geometry.convex
        except (ValueError, RuntimeError) as error:
            raise GeometryError(f"a collision shape of robot_description cannot be read: {one_line(error)}") from error
        model, geometry = pin.buildReducedModel(full, shapes, self._arm.fixed, pin.neutral(full))
        if not any(body.parentJoint for body in geometry.geometryObjects):
            raise GeometryError("robot_description has no collision shape on a link that moves")
        tool, ball = model.frames[self._arm.link(robot.tool_frame)], pin.coal.Sphere(robot.bodies.tool_radius)
        geometry.addGeometryObject(pin.GeometryObject("tool", tool.parentJoint, tool.placement, ball))
        frame = model.frames[self._arm.link(robot.workspace.frame)]
        top = pin.coal.Halfspace(np.array([0.0, 0.0, 1.0]), robot.workspace.table_height)
        geometry.addGeometryObject(pin.GeometryObject("table", 0, frame.placement, top))
        return model, geometry

    def _pairs(self, robot: RobotConfig) -> list[pin.CollisionPair]:
        """Returns the pairs that move relative to each other, are not neighbours, and are not listed as close."""
        close = {frozenset(two) for a, b in robot.bodies.close for two in product(self._named(a), self._named(b))}
        joints = [body.parentJoint for body in self._geometry.geometryObjects]
        parents, table = self._model.parents, len(joints) - 1
        return [
            pin.CollisionPair(i, j)
            for j in range(len(joints))
            for i in range(j)
            if joints[i] != joints[j]
            and (j == table or joints[i] != parents[joints[j]])
            and frozenset((i, j)) not in close
        ]

    def _named(self, name: str) -> list[int]:
        """Returns the numbers of a link's shapes or, where it has none, of the links that are fixed to it.

        The second case is base_link in UR's description, whose mesh belongs to base_link_inertia.
        """
        links = [self._arm.name(frame) for frame in self._model.frames if frame.type == pin.FrameType.BODY]
        require([name], [*links, *_ADDED], "body")
        chains = [self._chain(body) for body in self._geometry.geometryObjects]
        own = [i for i, chain in enumerate(chains) if chain[0] == name]
        return own or [i for i, chain in enumerate(chains) if name in chain]

    def _chain(self, body: pin.GeometryObject) -> list[str]:
        """Returns a body's link and the links that it is fixed to, up to the next moving joint."""
        if body.name in _ADDED:
            return [body.name]
        frames = self._arm.full.frames  # the parents of fixed joints form a loop in the reduced model
        link = self._model.frames[body.parentFrame].name
        found, index = [], self._arm.full.getFrameId(link, pin.FrameType.BODY)
        while index and (frame := frames[index]).type != pin.FrameType.JOINT:
            if frame.type == pin.FrameType.BODY:
                found.append(self._arm.name(frame))
            index = frame.parentFrame
        return found

    def _judge(self, pairs: Sequence[pin.CollisionPair]) -> None:
        self._geometry.removeAllCollisionPairs()
        for pair in pairs:
            self._geometry.addCollisionPair(pair)
        self._data = self._model.createData()
        self._places = self._geometry.createData()
        for request in self._places.collisionRequests:
            request.security_margin = self._margin

    def _require_clear(self, robot: RobotConfig) -> None:
        near = [f"{self.judged[i]} ({distance:.3f} m)" for i, distance in self.near(robot.start).items()]
        if near:
            raise SafetyError(
                f"{robot.name}: at the start pose, closer than guard.collision_margin of {self._margin:g} m: "
                f"{', '.join(near)}; correct the pose, or list pairs that are close by construction in bodies.close"
            )

    def _require_short_steps(self, robot: RobotConfig, cycle: float) -> None:
        step = cycle * sum(r * v for r, v in zip(self._reach, robot.limits.velocity, strict=True))
        if step > 2.0 * self._margin:
            raise SafetyError(
                f"at full speed a link may move {step:.3f} m in a cycle of {cycle:g} s: "
                f"guard.collision_margin of {self._margin:g} m is too small, or limits.velocity too great"
            )

    def _words(self, pair: pin.CollisionPair) -> str:
        return " and ".join(self._link(self._geometry.geometryObjects[i]) for i in (pair.first, pair.second))

    def _link(self, body: pin.GeometryObject) -> str:
        return body.name if body.name in _ADDED else self._arm.name(self._model.frames[body.parentFrame])


def _radius(body: pin.GeometryObject) -> float:
    """Returns the distance in m from the joint's frame to the furthest point of the body."""
    shape = body.geometry
    shape.computeLocalAABB()
    return float(np.linalg.norm(body.placement.act(shape.aabb_center))) + float(shape.aabb_radius)


def _package_folders() -> list[str]:
    """Returns the folders for package:// URIs: the share folders of a sourced ROS 2 and of Pinocchio."""
    prefixes = [*ament_prefixes(os.environ), Path(pin.__file__).parents[4]]
    return [str(share) for prefix in prefixes if (share := prefix / "share").is_dir()]
