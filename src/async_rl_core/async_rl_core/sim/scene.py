"""The simulated scene: the arm, its target on a monitor or on the table, the task's objects and the room."""

from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.schema import Config, RobotConfig, TargetSurface
from async_rl_core.errors import SimulationError
from async_rl_core.safety.urdf import one_line
from async_rl_core.sim.engine import mujoco
from async_rl_core.sim.model import model_file, resolved_urdf
from async_rl_core.tasks.registry import make_task
from async_rl_core.tasks.task import Task

Array = NDArray[np.float64]
Point = tuple[float, float]  # on the target's surface, in units of its picture, origin top left

CAMERA = "wrist_camera"
TARGET = "target"

# Surface brightness is colour * (AMBIENT + DIFFUSE * cosine): a headlight, so both renderers need one line for it.
# The disc's red stays above 120 at grazing view, and no other colour comes near the reward's mask.
AMBIENT = 0.6
DIFFUSE = 0.4

_RED = (0.9, 0.03, 0.03)
_CLOTH = (0.75, 0.05, 0.08)
_WHITE = (0.97, 0.97, 0.97)
_BEZEL = (0.09, 0.10, 0.11)
_WALL = (0.38, 0.45, 0.52)
_FLOOR = (0.27, 0.28, 0.30)
_CEILING = (0.60, 0.62, 0.64)
_TABLE = (0.52, 0.46, 0.38)
_ARM = (0.62, 0.66, 0.70)
_JOINTS = (0.30, 0.48, 0.62)

_ROOM = 3.0  # metres from the robot's base to each wall
_TABLE_HEIGHT = 0.75
_DISC_THICKNESS = 0.001
_BEZEL_WIDTH = 0.012
_SCREEN_DEPTH = 0.02
_BAG_HEIGHT = 0.7  # of its radius
_VELOCITY_GAIN = 6.7  # N m s/rad per N m of effort limit: a joint follows within 5 ms, stable at steps of 2 ms


class Scene:
    """The compiled MuJoCo model; it never changes, so threads may share it, each with its own data.

    Raises `SimulationError` where the robot's model is missing or lacks a joint or frame of the configuration.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        robot = config.robot
        spec = _parse(robot)
        _check_names(spec, robot)
        _weld_others(spec, robot)
        _add_actuators(spec, robot)
        _dress_arm(spec)
        _add_room(spec, robot)
        _add_camera(spec, robot)
        self.workspace_rotation, self.workspace_position = _frame_pose(spec, robot)
        self.task = make_task(config)
        self.surface_rotation: Array = self.workspace_rotation @ surface_rotation(self.task.surface)
        self.surface_position: Array = (
            self.workspace_rotation @ np.array(self.task.surface.center) + self.workspace_position
        )
        self.has_target = self.task.target(0) is not None
        if self.has_target:
            if self.task.shows == "disc":
                _add_monitor(spec, self.task.surface, self.surface_position, self.surface_rotation)
            _add_target(spec, self.task, self.surface_position, self.surface_rotation)
        self.task.scene(spec)
        _set_quality(spec, config)
        self.model: mujoco.MjModel = _compiled(spec, robot)
        joints = [self.model.joint(name) for name in robot.joints]
        self.position_index: NDArray[np.intp] = np.array([j.qposadr[0] for j in joints])
        self.velocity_index: NDArray[np.intp] = np.array([j.dofadr[0] for j in joints])
        self.actuator_index: NDArray[np.intp] = np.array([self.model.actuator(name).id for name in robot.joints])
        self.camera: int = self.model.camera(CAMERA).id
        self.mocap = int(self.model.body(TARGET).mocapid[0]) if self.has_target else -1

    def target_position(self, point: Point) -> Array:
        """Returns the world position (3,) in metres of a point of the target's picture, just before its surface."""
        picture = self.task.picture
        width, height = self.task.surface.size
        local = np.array(
            [(point[0] / picture.width - 0.5) * width, (point[1] / picture.height - 0.5) * height, -_DISC_THICKNESS]
        )
        return np.asarray(self.surface_position + self.surface_rotation @ local)

    def place(self, data: mujoco.MjData, position: Array, target: Point) -> None:
        """Puts the arm at `position` (command order, rad) and the target at `target`, and updates all poses."""
        data.qpos[self.position_index] = position
        if self.has_target:
            data.mocap_pos[self.mocap] = self.target_position(target)
        mujoco.mj_kinematics(self.model, data)
        mujoco.mj_comPos(self.model, data)
        mujoco.mj_camlight(self.model, data)


def surface_rotation(surface: TargetSurface) -> Array:
    """Returns the rotation (3, 3) from the surface's frame (x right, y down, z into it) to the workspace frame."""
    forward = -np.array(surface.normal) / np.linalg.norm(surface.normal)
    right = np.cross(forward, surface.up)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(forward, right), forward], axis=1)


def camera_rotation(robot: RobotConfig) -> Array:
    """Returns the rotation (3, 3) from the camera's optical frame (x right, y down, z forward) to the tool frame."""
    angle = np.deg2rad(robot.camera_roll)
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def quaternion(rotation: Array) -> Array:
    """Returns the unit quaternion (w, x, y, z) of a rotation matrix (3, 3)."""
    result = np.empty(4)
    mujoco.mju_mat2Quat(result, np.ascontiguousarray(rotation).ravel())
    return result


def _parse(robot: RobotConfig) -> mujoco.MjSpec:
    root = resolved_urdf(robot)
    extension = ElementTree.SubElement(root, "mujoco")
    options = {"strippath": "false", "discardvisual": "true", "fusestatic": "false", "balanceinertia": "true"}
    ElementTree.SubElement(extension, "compiler", options)
    try:
        spec = mujoco.MjSpec.from_string(ElementTree.tostring(root, encoding="unicode"))
    except (ValueError, RuntimeError) as error:
        raise _unreadable(robot, error) from error
    spec.compiler.discardvisual = False  # left on, it would discard the screen and the disc as well
    spec.option.timestep = 0.002
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    return spec


def _compiled(spec: mujoco.MjSpec, robot: RobotConfig) -> mujoco.MjModel:
    """Returns the compiled model; MuJoCo reads meshes and inertias only now. Raises `SimulationError`."""
    try:
        return spec.compile()
    except (ValueError, RuntimeError) as error:
        raise _unreadable(robot, error) from error


def _unreadable(robot: RobotConfig, error: Exception) -> SimulationError:
    return SimulationError(
        f"robot model {model_file(robot.model)} cannot be read by MuJoCo: {one_line(error).removeprefix('Error: ')}"
    )


def _check_names(spec: mujoco.MjSpec, robot: RobotConfig) -> None:
    joints = {joint.name for joint in spec.joints}
    frames = {body.name for body in spec.bodies}
    for wanted, there, kind in (
        (robot.joints, joints, "joint"),
        ((robot.tool_frame, robot.workspace.frame, robot.base_frame), frames, "frame"),
    ):
        if missing := set(wanted) - there:
            raise SimulationError(f"robot model {robot.model} has no {kind} {sorted(missing)}; it has {sorted(there)}")


def _weld_others(spec: mujoco.MjSpec, robot: RobotConfig) -> None:
    """Fixes the joints that nothing commands, such as a gripper's, where they are."""
    for equality in spec.equalities:
        spec.delete(equality)  # a URDF's 'mimic' names such joints
    for joint in spec.joints:
        if joint.name not in robot.joints:
            spec.delete(joint)


def _add_actuators(spec: mujoco.MjSpec, robot: RobotConfig) -> None:
    for name in robot.joints:
        joint = spec.joint(name)
        effort = float(np.max(np.abs(joint.actfrcrange)))
        if not joint.actfrclimited or effort <= 0.0:
            raise SimulationError(f"joint {name} of robot model {robot.model} has no effort limit; add one to its URDF")
        actuator = spec.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
        actuator.set_to_velocity(kv=_VELOCITY_GAIN * effort)
        actuator.forcelimited = True
        actuator.forcerange = (-effort, effort)


def _dress_arm(spec: mujoco.MjSpec) -> None:
    for body in spec.bodies[1:]:
        body.gravcomp = 1.0
    for index, geom in enumerate(spec.geoms):
        geom.rgba = (*(_ARM if index % 2 == 0 else _JOINTS), 1.0)
        geom.contype, geom.conaffinity = 1, 0  # the arm meets the room, not itself: its hulls overlap at the joints


def _add_geom(spec: mujoco.MjSpec, colour: tuple[float, ...], type_: mujoco.mjtGeom, **options: object) -> None:
    spec.worldbody.add_geom(type=type_, rgba=(*colour, 1.0), contype=0, conaffinity=1, **options)


def _add_room(spec: mujoco.MjSpec, robot: RobotConfig) -> None:
    plane, box = mujoco.mjtGeom.mjGEOM_PLANE, mujoco.mjtGeom.mjGEOM_BOX
    size = (_ROOM, _ROOM, 0.1)
    ground, top = -_TABLE_HEIGHT, -_TABLE_HEIGHT + _ROOM
    _add_geom(spec, _FLOOR, plane, size=size, pos=(0, 0, ground))
    _add_geom(spec, _CEILING, plane, size=size, pos=(0, 0, top), quat=(0, 1, 0, 0))
    half = np.sqrt(0.5)
    for position, turn in (
        ((_ROOM, 0, 0), (half, 0, -half, 0)),
        ((-_ROOM, 0, 0), (half, 0, half, 0)),
        ((0, _ROOM, 0), (half, half, 0, 0)),
        ((0, -_ROOM, 0), (half, -half, 0, 0)),
    ):
        _add_geom(spec, _WALL, plane, size=size, pos=position, quat=turn)
    (x, y), (length, width), thickness = robot.table.center, robot.table.size, 0.02
    height = robot.workspace.table_height - 0.001 - thickness
    _add_geom(spec, _TABLE, box, size=(length / 2, width / 2, thickness), pos=(x, y, height))


def _add_camera(spec: mujoco.MjSpec, robot: RobotConfig) -> None:
    flip = np.diag([1.0, -1.0, -1.0])  # MuJoCo's cameras look along -z with y up
    spec.body(robot.tool_frame).add_camera(
        name=CAMERA,
        pos=robot.camera_offset,
        quat=quaternion(camera_rotation(robot) @ flip),
        fovy=robot.camera_fov,
    )


def _frame_pose(spec: mujoco.MjSpec, robot: RobotConfig) -> tuple[Array, Array]:
    """Returns the world pose of `workspace.frame`, which no joint moves: rotation (3, 3) and position (3,)."""
    name = robot.workspace.frame
    model = _compiled(spec.copy(), robot)
    body = model.body(name)
    if model.body_weldid[body.id] != 0:
        raise SimulationError(f"workspace.frame {name} moves with the arm; name a frame that is fixed to its base")
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    return data.xmat[body.id].reshape(3, 3).copy(), data.xpos[body.id].copy()


def _add_monitor(spec: mujoco.MjSpec, monitor: TargetSurface, center: Array, rotation: Array) -> None:
    box = mujoco.mjtGeom.mjGEOM_BOX
    into, down = rotation[:, 2], rotation[:, 1]
    width, height = monitor.size[0] / 2, monitor.size[1] / 2
    depth = _SCREEN_DEPTH / 2
    turn = quaternion(rotation)
    _add_geom(spec, _WHITE, box, name="screen", size=(width, height, depth), pos=center + depth * into, quat=turn)
    edge = _BEZEL_WIDTH
    bezel = (width + edge, height + edge, depth)
    _add_geom(spec, _BEZEL, box, name="bezel", size=bezel, pos=center + (depth + 0.002) * into, quat=turn)
    if abs(into[2]) > 0.7:  # it lies on its back
        return
    stand = float(max(center[2] - height, 0.02)) / 2
    foot = center + 0.04 * into + (height + stand) * down
    _add_geom(spec, _BEZEL, box, name="stand", size=(0.03, stand, 0.01), pos=foot, quat=turn)


def _add_target(spec: mujoco.MjSpec, task: Task, center: Array, rotation: Array) -> None:
    picture, (width, height) = task.picture, task.surface.size
    radius = picture.radius * np.sqrt(width / picture.width * height / picture.height)
    if task.shows == "disc":
        shape, size, colour = mujoco.mjtGeom.mjGEOM_CYLINDER, (radius, _DISC_THICKNESS / 2, 0), _RED
    else:  # half of it above the table
        shape, size, colour = mujoco.mjtGeom.mjGEOM_ELLIPSOID, (radius, radius, _BAG_HEIGHT * radius), _CLOTH
    body = spec.worldbody.add_body(name=TARGET, mocap=True, pos=center, quat=quaternion(rotation))
    body.add_geom(type=shape, size=size, rgba=(*colour, 1.0), contype=0, conaffinity=0)


def _set_quality(spec: mujoco.MjSpec, config: Config) -> None:
    lighting = config.sim.lighting
    spec.option.timestep = config.sim.physics_step
    spec.stat.center = (0.0, 0.0, 0.3)
    spec.stat.extent = 1.5
    visual = spec.visual
    visual.headlight.ambient = [AMBIENT * lighting] * 3
    visual.headlight.diffuse = [DIFFUSE * lighting] * 3
    visual.headlight.specular = [0.0] * 3
    visual.quality.offsamples = 0
    visual.quality.numslices = 64  # a disc, not a polygon
    visual.global_.offwidth = config.camera.width
    visual.global_.offheight = config.camera.height
