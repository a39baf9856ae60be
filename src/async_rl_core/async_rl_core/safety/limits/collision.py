"""What the arm's bodies must not touch: one another, and the table."""

import os
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pinocchio as pin
from numpy.typing import NDArray

from async_rl_core.config.schema import RobotConfig
from async_rl_core.errors import SafetyError
from async_rl_core.safety.description import one_line
from async_rl_core.safety.limits.path import StopPath
from async_rl_core.safety.limits.ratchet import Ratchet
from async_rl_core.safety.limits.surface import LimitSurface
from async_rl_core.safety.model import ArmModel, require

Vector = NDArray[np.float64]

SLIDING = 0.03
"""Metres beyond the margin within which a motion is led along a surface."""
EPSILON = 1e-5
"""Metres by which a computed distance may be wrong."""
_ADDED = "tool", "table"
"""Bodies that the description does not have."""


class GeometryError(SafetyError):
    """A description without collision shapes that can be read: collisions cannot be judged, all else can."""


class Bodies:
    """The convex hulls of the arm's links, a sphere for what is mounted on the tool, and the table top.

    Two of them are near from `margin` metres on. Neighbours in the chain are not judged, nor the pairs that
    `robot.bodies.close` names. `judged` are the others, in words.

    Args:
        robot: its joints, bodies, workspace and start pose.
        cycle: seconds between two poses of a path.

    Raises:
        GeometryError: where the URDF has none, or a mesh of it is not there.
        SafetyError: where `close` names what is not there, two others are near at the start pose, or the arm moves
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
        """Returns whether no two bodies come near on this path, nor nearer of those that are near already."""
        clear = not any(self._any_near(pose) for pose in self._checkpoints(path))
        if clear and not self._ratchet:
            return True
        before = self._near_now(path.start)
        if not before:
            self._ratchet.update(before)
            return clear
        return self._ratchet.admits(before, map(self.near, path.poses), path.length(self._reach))

    def surfaces(self, q: Sequence[float]) -> list[LimitSurface]:
        """Of each pair of bodies that are not far from one another, that which the one is to the other."""
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
        """The distance of each pair that is near, by its number; negative where they overlap."""
        pin.computeCollisions(self._model, self._data, self._geometry, self._places, self._arm.configuration(q), False)
        found = [i for i, result in enumerate(self._places.collisionResults) if result.isCollision()]
        return {i: pin.computeDistance(self._geometry, self._places, i).min_distance for i in found}

    def _approach(self, pair: pin.CollisionPair, result: pin.coal.DistanceResult) -> Vector:
        """The row (n,) from joint velocities to the speed at which the pair's nearest points approach each other."""
        first = self._point_jacobian(pair.first, result.getNearestPoint1())
        second = self._point_jacobian(pair.second, result.getNearestPoint2())
        row: Vector = (result.normal @ (first - second))[self._arm.columns]
        return row

    def _point_jacobian(self, body: int, point: Vector) -> Vector:
        """The matrix (3, n) of a point in space that moves with a body."""
        joint = self._geometry.geometryObjects[body].parentJoint
        jacobian = pin.getJointJacobian(self._model, self._data, joint, pin.ReferenceFrame.LOCAL_WORLD_ALIGNED)
        lever = pin.skew(point - self._data.oMi[joint].translation)
        matrix: Vector = jacobian[:3] - lever @ jacobian[3:]
        return matrix

    def _checkpoints(self, path: StopPath) -> list[list[float]]:
        """Poses between which no body moves by more than twice the margin: clear at both, clear between them."""
        found, last, previous = [], path.start, path.poses[0]
        for pose in path.poses:
            if self._way(last, pose) > 2.0 * self._margin:
                found.append(previous)
                last = previous
            previous = pose
        found.append(previous)
        return found

    def _way(self, a: Sequence[float], b: Sequence[float]) -> float:
        return sum(r * abs(q - p) for r, p, q in zip(self._reach, a, b, strict=True))

    def _any_near(self, q: Sequence[float]) -> bool:
        near: bool = pin.computeCollisions(
            self._model, self._data, self._geometry, self._places, self._arm.configuration(q), True
        )
        return near

    def _near_now(self, q: Sequence[float]) -> dict[int, float]:
        """Returns `near` at the present pose, which every path of a cycle starts from."""
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
        """Bodies that move against each other, are no neighbours, and are not named as close."""
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
        """The numbers of a link's shapes; where it has none, of those of the links that are fixed to it.

        So is it with the base_link of UR's own description: its mesh is that of base_link_inertia.
        """
        links = [self._arm.name(frame) for frame in self._model.frames if frame.type == pin.FrameType.BODY]
        require([name], [*links, *_ADDED], "body")
        chains = [self._chain(body) for body in self._geometry.geometryObjects]
        own = [i for i, chain in enumerate(chains) if chain[0] == name]
        return own or [i for i, chain in enumerate(chains) if name in chain]

    def _chain(self, body: pin.GeometryObject) -> list[str]:
        """A body's link, and what that is fixed to, as far as the joint that moves them."""
        if body.name in _ADDED:
            return [body.name]
        frames = self._arm.full.frames  # of joints that are held fast, the reduced model's lead in a circle
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
                f"{', '.join(near)}; correct the pose, or name in bodies.close what is close as the arm is built"
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
    """How far in m the body stretches from its joint's frame."""
    shape = body.geometry
    shape.computeLocalAABB()
    return float(np.linalg.norm(body.placement.act(shape.aabb_center))) + float(shape.aabb_radius)


def _package_folders() -> list[str]:
    """Where package:// leads: the share folders of a sourced ROS 2, and that of Pinocchio's own installation."""
    prefixes = [Path(p) for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    prefixes.append(Path(pin.__file__).parents[4])
    return [str(share) for prefix in prefixes if (share := prefix / "share").is_dir()]
