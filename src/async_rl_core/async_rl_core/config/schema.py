"""What a run's configuration may say. The values themselves live in `config/*.yaml`, never here."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=1)]

Architecture = Literal["seq", "async1", "async2"]
TaskName = Literal["reaching", "tracking"]


class Section(BaseModel):
    """A group of settings: immutable, and a key that is not declared is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CameraConfig(Section):
    """The camera's stream."""

    width: int = Field(ge=32, le=1920, description="image width in pixels")
    height: int = Field(ge=18, le=1080, description="image height in pixels")
    rate: Positive = Field(le=120, description="frames per second")


class AgentConfig(Section):
    """The real-time loop and its episodes."""

    action_cycle_time: float = Field(ge=0.008, le=1.0, description="seconds from one action to the next")
    episode_duration: Positive = Field(le=600, description="seconds of an episode")
    reset_duration: Positive = Field(
        le=60, description="seconds of the motion back to the start pose and the pause after it"
    )
    initial_steps: int = Field(
        ge=0, description="environment steps with uniformly random actions before the policy acts"
    )
    action_scale: Positive = Field(description="joint velocity in rad/s that an action of 1 commands")
    frame_stack: int = Field(ge=1, le=8, description="camera frames in an observation")
    phase_margin: NonNegative = Field(
        le=0.02, description="seconds from a frame's expected arrival to the action's deadline"
    )


class RewardConfig(Section):
    """Equation 3.1 of Yuan (2022), and the form of its authors' code."""

    form: Literal["paper", "code"] = Field(
        description="'paper': weight 1 at the centre; 'code': peak 1/4, clipped to [0, 4]"
    )
    alpha: Positive = Field(description="weight of the target term")
    beta: NonNegative = Field(description="weight of the posture term")
    reference_cycle_time: Positive = Field(description="action cycle time in seconds at which a reward counts once")


class TargetConfig(Section):
    """The disc on the monitor, in units of a picture of `width` x `height`."""

    width: Positive
    height: Positive
    radius: Positive
    speed: NonNegative = Field(description="units per tick (Tracking)")
    tick: Positive = Field(description="seconds per tick (Tracking)")


class MonitorConfig(Section):
    """Where the screen stands, in the workspace frame of the robot."""

    center: tuple[float, float, float] = Field(description="metres")
    size: tuple[Positive, Positive] = Field(description="width and height in metres")
    normal: tuple[float, float, float] = Field(description="direction in which the screen looks")


class ReplayConfig(Section):
    """Storage and sampling of transitions."""

    capacity: int = Field(ge=1000, description="transitions kept")
    crop_fraction: float = Field(
        ge=0, le=0.2, description="fraction of each side cut by the random crop, rounded to pixels"
    )
    crop_range: Literal["paper", "code"] = Field(
        description="'paper': offsets over the whole margin; 'code': over its first half"
    )


class SACConfig(Section):
    """Soft actor-critic from pixels: table 5.3 of Yuan (2022)."""

    batch_size: int = Field(ge=1, le=4096)
    encoder_channels: Count
    encoder_strides: tuple[Annotated[int, Field(ge=1, le=4)], ...] = Field(min_length=1, max_length=8)
    hidden_sizes: tuple[Count, ...] = Field(min_length=1, max_length=4)
    layer_norm: bool = Field(description="layer normalisation in the critic's and actor's MLP (off in the papers)")
    actor_learning_rate: Positive
    critic_learning_rate: Positive
    encoder_learning_rate: Positive
    temperature_learning_rate: Positive
    temperature_beta: float = Field(ge=0, lt=1, description="Adam's beta_1 of the temperature (SAC-AE: 0.5)")
    initial_temperature: Positive
    target_entropy: float | None = Field(description="null: minus the number of action dimensions")
    actor_update_frequency: Count = Field(description="critic updates per actor update")
    target_update_frequency: Count = Field(description="critic updates per target update")
    critic_tau: Fraction
    encoder_tau: Fraction = Field(description="1: no target encoder of its own, one pass over the images less")
    reuse_features: bool = Field(
        description="actor on the features of before the critic's step, one pass less (off in the papers)"
    )
    discount: float = Field(ge=0, lt=1)
    log_std_bounds: tuple[float, float]
    reward_scale: Positive = Field(description="factor on rewards inside the learner (1 in the papers)")
    precision: Literal["fp32", "bf16"]

    @model_validator(mode="after")
    def _ordered_bounds(self) -> "SACConfig":
        low, high = self.log_std_bounds
        if low >= high:
            raise ValueError(f"log_std_bounds must be ascending, got [{low}, {high}]")
        return self


class LearnerConfig(Section):
    """The learner process."""

    max_updates_per_step: Positive = Field(le=64, description="gradient updates per environment step, at most")
    batches_in_flight: Count = Field(le=3, description="mini-batches requested ahead with architecture async2")
    threads: int = Field(ge=0, le=256, description="torch threads; 0: all cores but one, left to the real-time loop")
    publish_period: Count = Field(description="updates from one parameter publication to the next")
    checkpoint_period: Positive = Field(description="seconds between checkpoints")
    metrics_period: Count = Field(description="updates between metrics")
    device: Literal["auto", "cpu", "cuda"]


class GuardConfig(Section):
    """The safety guard."""

    watchdog: Positive = Field(
        le=0.5, description="seconds without a fresh valid command until the arm is brought to rest"
    )
    grace: Positive = Field(
        le=0.5, description="seconds past an action cycle without a command until the arm slows down; no fault yet"
    )
    state_timeout: Positive = Field(
        le=0.5, description="seconds without a fresh joint state until the arm is brought to rest"
    )
    auto_arm: bool = Field(description="arm without a person's word; for simulation only")
    position_margin: NonNegative = Field(description="rad kept free before a joint limit")
    workspace_margin: NonNegative = Field(description="metres by which the guard's box exceeds the agent's")


class SimConfig(Section):
    """The simulated robot and camera; every disturbance is off at 0."""

    renderer: Literal["auto", "gl", "raycast"]
    physics_step: Positive = Field(le=0.01, description="seconds")
    command_timeout: Positive = Field(
        le=1.0, description="seconds without a command until the simulated arm stops itself"
    )
    image_noise: NonNegative = Field(le=128, description="standard deviation of pixel noise, in grey levels")
    joint_noise: NonNegative = Field(le=0.1, description="standard deviation of joint angle noise, in rad")
    image_latency: NonNegative = Field(le=1.0, description="seconds added to each image's delivery")
    lighting: float = Field(ge=0.1, le=2.0, description="brightness of the scene; 1: as designed")


class LoggingConfig(Section):
    """What the monitor writes."""

    curve_period: Positive = Field(description="seconds between redraws of the learning curve")
    video_every: Count = Field(description="episodes from one recorded video to the next")


class RobotLimits(Section):
    """Per joint, in the robot's command order."""

    position_lower: tuple[float, ...] = Field(description="rad")
    position_upper: tuple[float, ...] = Field(description="rad")
    velocity: tuple[Positive, ...] = Field(description="rad/s")
    acceleration: tuple[Positive, ...] = Field(description="rad/s^2, of motion")
    stop_acceleration: tuple[Positive, ...] = Field(description="rad/s^2, of a stop")


class Workspace(Section):
    """The box that the tool stays in."""

    frame: str
    lower: tuple[float, float, float] = Field(description="metres")
    upper: tuple[float, float, float] = Field(description="metres")


class RobotConfig(Section):
    """One arm: what its driver publishes and takes, and what it may do."""

    name: str
    model: str = Field(description="URDF, relative to example-robot-data's robots folder")
    joints: tuple[str, ...] = Field(min_length=1, description="in the order of the command topic")
    state_joints: tuple[str, ...] = Field(description="in the order of the driver's joint_states")
    actuated_joints: tuple[str, ...] = Field(min_length=1, description="those that the policy moves")
    posture_joints: tuple[tuple[str, ...], tuple[str, ...]] = Field(
        description="the two groups whose angle sums the posture term holds at -pi and 0"
    )
    command_topic: str
    state_topic: str
    state_rate: Positive
    command_acceleration: Positive = Field(
        description="rad/s^2 with which the driver's controller follows a new velocity"
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
    workspace: Workspace
    monitor: MonitorConfig

    @model_validator(mode="after")
    def _consistent(self) -> "RobotConfig":
        n = len(self.joints)
        if len(set(self.joints)) != n:
            raise ValueError(f"joints of {self.name} name one joint twice: {list(self.joints)}")
        if sorted(self.state_joints) != sorted(self.joints):
            raise ValueError(f"state_joints of {self.name} must name the joints {list(self.joints)}")
        for group in (self.actuated_joints, *self.posture_joints):
            if unknown := set(group) - set(self.joints):
                raise ValueError(f"{sorted(unknown)} are not joints of {self.name}; allowed: {list(self.joints)}")
        vectors = {"start": self.start, **{k: getattr(self.limits, k) for k in RobotLimits.model_fields}}
        for key, vector in vectors.items():
            if len(vector) != n:
                raise ValueError(f"{key} of {self.name} has {len(vector)} values for {n} joints")
        for low, q, high, joint in zip(
            self.limits.position_lower, self.start, self.limits.position_upper, self.joints, strict=True
        ):
            if not low < q < high:
                raise ValueError(f"start of {joint} is {q} rad, outside its limits [{low}, {high}]")
        return self


class Config(Section):
    """A whole run, resolved: what `runs/<name>/config.yaml` holds."""

    preset: str
    task: TaskName
    architecture: Architecture
    seed: int = Field(ge=0, lt=2**31)
    duration: Positive | None = Field(description="seconds of wall time; null: until stopped")
    episodes: Count | None = Field(description="episodes to run; null: until stopped")
    run_dir: Path | None = Field(description="the run's own folder; null: runs/<date>-<task>-<preset>")
    display: bool = Field(description="show the target full screen on a real display")
    rviz: bool = Field(description="start RViz (needs an installed ROS 2)")
    record_video: bool = Field(description="record the camera of every tenth episode")
    camera: CameraConfig
    agent: AgentConfig
    reward: RewardConfig
    target: TargetConfig
    replay: ReplayConfig
    sac: SACConfig
    learner: LearnerConfig
    guard: GuardConfig
    sim: SimConfig
    logging: LoggingConfig
    robot: RobotConfig
