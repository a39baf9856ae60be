"""The frames that the simulator publishes on tf."""

from dataclasses import dataclass

import numpy as np

from async_rl_core.sim.engine import mujoco
from async_rl_core.sim.scene import Array, Scene, camera_rotation, quaternion, surface_rotation

CAMERA_FRAME = "camera_optical_frame"
SURFACE_FRAME = "target_surface"


@dataclass(frozen=True)
class Transform:
    """A frame in its parent: translation (x, y, z) in metres, rotation as a quaternion (x, y, z, w), as ROS has it."""

    parent: str
    child: str
    translation: tuple[float, float, float]
    rotation: tuple[float, float, float, float]


class LinkFrames:
    """The tree of the robot's links, with the camera's optical frame and the target's surface."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._data = mujoco.MjData(scene.model)
        model = scene.model
        bodies = [b for b in range(1, model.nbody) if model.body_mocapid[b] < 0]
        self._parent = {b: int(model.body_parentid[b]) for b in bodies}
        self._name = {b: str(model.body(b).name) for b in (0, *bodies)}
        self._moving = [b for b in bodies if model.body_jntnum[b]]
        self._fixed = [b for b in bodies if not model.body_jntnum[b]]

    def fixed(self) -> list[Transform]:
        """Returns the frames that never move: links behind fixed joints, camera, the target's surface."""
        robot = self._scene.config.robot
        model = self._scene.model
        links = [self._transform(b, model.body_pos[b], model.body_quat[b]) for b in self._fixed]
        tool = np.array(robot.camera_offset)
        camera = _transform(robot.tool_frame, CAMERA_FRAME, tool, quaternion(camera_rotation(robot)))
        place = self._scene.task.surface
        turn = quaternion(surface_rotation(place))
        surface = _transform(robot.workspace.frame, SURFACE_FRAME, np.array(place.center), turn)
        return [*links, camera, surface]

    def moving(self, position: Array) -> list[Transform]:
        """Returns the links behind moving joints, at joint angles `position` (command order, rad)."""
        self._data.qpos[self._scene.position_index] = position
        mujoco.mj_kinematics(self._scene.model, self._data)
        return [self._transform(body, *self._relative(body)) for body in self._moving]

    def _relative(self, body: int) -> tuple[Array, Array]:
        parent = self._parent[body]
        inverse_position, inverse_rotation = np.empty(3), np.empty(4)
        mujoco.mju_negPose(inverse_position, inverse_rotation, self._data.xpos[parent], self._data.xquat[parent])
        position, rotation = np.empty(3), np.empty(4)
        mujoco.mju_mulPose(
            position, rotation, inverse_position, inverse_rotation, self._data.xpos[body], self._data.xquat[body]
        )
        return position, rotation

    def _transform(self, body: int, position: Array, rotation: Array) -> Transform:
        return _transform(self._name[self._parent[body]], self._name[body], position, rotation)


def _transform(parent: str, child: str, position: Array, rotation: Array) -> Transform:
    x, y, z = map(float, position)
    qw, qx, qy, qz = map(float, rotation)
    return Transform(parent, child, (x, y, z), (qx, qy, qz, qw))
