"""Settings of a robot, in `config/robots/*.yaml`."""

from collections.abc import Iterable

from pydantic import Field, model_validator

from async_rl_core.config.driver import Driver
from async_rl_core.config.section import KeyedError, Positive, Section


class TargetSurface(Section):
    """A flat rectangle that holds the target, in the workspace frame of the robot."""

    center: tuple[float, float, float] = Field(description="metres")
    size: tuple[Positive, Positive] = Field(description="width and height in metres")
    normal: tuple[float, float, float] = Field(description="direction in which it looks")
    up: tuple[float, float, float] = Field(description="direction of its upper edge")


class TableConfig(Section):
    """The simulated table top, in the workspace frame of the robot; its height is the workspace's `table_height`."""

    center: tuple[float, float] = Field(description="x and y, metres")
    size: tuple[Positive, Positive] = Field(description="along x and y, metres")


class RobotLimits(Section):
    """Per joint, in the robot's command order."""

    position_lower: tuple[float, ...] = Field(description="rad")
    position_upper: tuple[float, ...] = Field(description="rad")
    velocity: tuple[Positive, ...] = Field(description="rad/s")
    acceleration: tuple[Positive, ...] = Field(description="rad/s^2, of motion")
    stop_acceleration: tuple[Positive, ...] = Field(description="rad/s^2, of a stop")
    jerk: tuple[Positive, ...] = Field(description="rad/s^3, of motion and stop")


class PostureTerm(Section):
    """A weighted sum of joint angles that the camera's being level and upright holds at a value."""

    joints: dict[str, float] = Field(min_length=1, description="weight of each joint's angle")
    sum: float = Field(description="rad")


class Sphere(Section):
    """A bounding sphere."""

    center: tuple[float, float, float] = Field(description="metres")
    radius: Positive = Field(description="metres")


class WorkspaceConfig(Section):
    """The box that the arm may not leave, in the coordinates of `frame`, which does not move."""

    frame: str
    lower: tuple[float, float, float] = Field(description="corner of the box that the tool stays in, metres")
    upper: tuple[float, float, float] = Field(description="the corner opposite to it, metres")
    sphere: Sphere = Field(description="which the tool stays in too")
    table_height: float = Field(description="height of the table top, which no link may touch, metres")


class BodiesConfig(Section):
    """The bodies that must not touch: the arm's links, its tool, the table."""

    tool_radius: Positive = Field(
        description="radius of a sphere about the tool frame that stands for what is mounted there, metres"
    )
    close: tuple[tuple[str, str], ...] = Field(
        description="links, 'tool' or 'table', which are near one another as the arm is built and so are not judged"
    )


class RobotConfig(Section):
    """One arm: what its driver publishes and takes, and what it may do."""

    name: str
    model: str = Field(description="URDF: in config/robots/ or example-robot-data's robots folder, or an absolute path")
    joints: tuple[str, ...] = Field(min_length=1, description="in the order of the command topic")
    state_joints: tuple[str, ...] = Field(description="in the order of the driver's joint_states")
    actuated_joints: tuple[str, ...] = Field(min_length=1, description="those that the policy moves")
    posture: tuple[PostureTerm, ...] = Field(
        description="the reward's posture term: what keeps the camera as it should be"
    )
    command_topic: str
    state_topic: str
    state_rate: Positive
    command_acceleration: Positive = Field(
        description="rad/s^2 with which the driver's controller follows a new velocity"
    )
    command_lag: float = Field(
        default=0.02,
        ge=0,
        le=0.1,
        description="seconds by which the arm's motion lags behind the velocities that it is sent, at most",
    )
    command_timeout: Positive = Field(
        le=1.0, description="seconds without a command until a driver of ours, or the simulated arm, stops by itself"
    )
    base_frame: str
    tool_frame: str
    camera_offset: tuple[float, float, float] = Field(description="camera position in the tool frame, metres")
    camera_roll: float = Field(
        ge=-360, le=360, description="degrees from the tool frame to the camera's optical frame, about z"
    )
    camera_fov: float = Field(gt=5, lt=170, description="vertical field of view, degrees")
    start: tuple[float, ...] = Field(description="start pose, rad")
    reset_velocity: Positive = Field(description="rad/s, fastest joint in the reset motion")
    limits: RobotLimits
    workspace: WorkspaceConfig
    bodies: BodiesConfig
    table: TableConfig
    monitor: TargetSurface = Field(description="the screen")
    bag_area: TargetSurface | None = Field(
        default=None, description="where on the table a bean bag may lie; none where the camera sees no table"
    )
    task: str = Field(description="what reacher.launch.py lets it do")
    drivers: dict[str, Driver] = Field(description="by name; the first is the default, none: it is only simulated")

    @model_validator(mode="after")
    def _consistent(self) -> "RobotConfig":
        n = len(self.joints)
        if len(set(self.joints)) != n:
            raise KeyedError(f"joints of {self.name} name one joint twice: {list(self.joints)}", "joints")
        if sorted(self.state_joints) != sorted(self.joints):
            raise KeyedError(f"state_joints of {self.name} must name the joints {list(self.joints)}", "state_joints")
        self._require_joints(self.actuated_joints, "actuated_joints")
        for i, term in enumerate(self.posture):
            self._require_joints(term.joints, "posture", i, "joints")
        vectors: dict[tuple[str, ...], tuple[float, ...]] = {("start",): self.start}
        vectors |= {("limits", k): getattr(self.limits, k) for k in RobotLimits.model_fields}
        for key, vector in vectors.items():
            if len(vector) != n:
                raise KeyedError(f"{key[-1]} of {self.name} has {len(vector)} values for {n} joints", *key)
        for i, (low, q, high) in enumerate(
            zip(self.limits.position_lower, self.start, self.limits.position_upper, strict=True)
        ):
            if not low < q < high:
                text = f"start of {self.joints[i]} is {q} rad, outside its limits [{low}, {high}]"
                raise KeyedError(text, "start", i)
        return self

    def _require_joints(self, names: Iterable[str], *key: str | int) -> None:
        if unknown := set(names) - set(self.joints):
            text = f"{sorted(unknown)} are not joints of {self.name}; allowed: {list(self.joints)}"
            raise KeyedError(text, *key)
