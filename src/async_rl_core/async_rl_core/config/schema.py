"""The keys of a run's configuration. The default values are in `config/*.yaml`, never here."""

import json
from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, JsonValue, SerializerFunctionWrapHandler, model_serializer

from async_rl_core.config.camera import SIMULATED, TOPIC, CameraDriver
from async_rl_core.config.camera import CameraConfig as CameraConfig
from async_rl_core.config.driver import Driver
from async_rl_core.config.paths import UserPath
from async_rl_core.config.robot import RobotConfig as RobotConfig
from async_rl_core.config.robot import RobotLimits as RobotLimits
from async_rl_core.config.robot import TargetSurface as TargetSurface
from async_rl_core.config.robot import WorkspaceConfig as WorkspaceConfig
from async_rl_core.config.section import Count, Fraction, NonNegative, Positive, Section
from async_rl_core.topics import IMAGE, OBSERVED_IMAGE

Architecture = Literal["seq", "async1", "async2"]


class AgentConfig(Section):
    """The real-time loop and its episodes."""

    action_cycle_time: float = Field(ge=0.008, le=1.5, description="seconds from one action to the next")
    episode_duration: Positive = Field(le=600, description="seconds of an episode")
    reset_duration: Positive = Field(
        le=60, description="seconds of the motion back to the start pose and the pause after it"
    )
    initial_steps: int = Field(
        ge=0, description="environment steps with uniformly random actions before the policy acts"
    )
    initial_action_scale: Fraction = Field(
        description="bound of the random actions; the policy's is 1 (code: 0.3, since it scales them twice)"
    )
    action_scale: Positive = Field(description="joint velocity in rad/s that an action of 1 commands (code: 0.3)")
    frame_stack: int = Field(ge=1, le=8, description="camera frames in an observation")
    phase_margin: NonNegative = Field(
        le=0.02, description="seconds from a frame's expected arrival to the action's deadline"
    )


class RewardConfig(Section):
    """Equation 3.1 of Yuan (2022), and the form of its authors' code: the reward of Reaching and Tracking."""

    form: Literal["paper", "code"] = Field(
        description="'paper': weight 1 at the centre; 'code': peak 1/4, clipped to [0, 4]"
    )
    alpha: Positive = Field(description="weight of the target term")
    beta: NonNegative = Field(description="weight of the posture term")
    scale_with_cycle_time: bool = Field(
        description="rewards in proportion to the action cycle time, so that returns compare (code: never)"
    )
    reference_cycle_time: Positive = Field(description="action cycle time in seconds at which a reward counts once")


class TargetConfig(Section):
    """The disc on the monitor of the tasks that have one, in units of a picture of `width` x `height`."""

    width: Positive
    height: Positive
    radius: Positive
    speed: NonNegative = Field(description="units per tick (Tracking)")
    tick: Positive = Field(description="seconds per tick (Tracking)")


class ReplayConfig(Section):
    """Storage and sampling of transitions."""

    capacity: int = Field(ge=1000, description="transitions kept")
    storage: Literal["ram", "file"] = Field(
        description="where images lie: 'file': in a nameless file on the run folder's disk, read through the page cache"
    )
    journal: bool = Field(description="write every step to the run folder too, so that no end of a process loses it")
    sync_period: Positive = Field(le=600, description="seconds after which a power cut cannot lose a journalled step")
    sampler: Literal["uniform", "prioritised"] = Field(
        description="'prioritised': in proportion to |TD error|**priority_exponent (Schaul et al., 2016)"
    )
    priority_exponent: NonNegative = Field(le=2, description="0: uniform (prioritised)")
    importance_exponent: float = Field(
        ge=0, le=1, description="1: sampling's bias is corrected for wholly, 0: not at all (prioritised)"
    )
    n_step: int = Field(ge=1, le=100, description="rewards per return, fewer at an episode's end (1 in the papers)")
    time_limit: Literal["bootstrap", "drop", "terminal"] = Field(
        description="an episode's last transition: as any other; left out (code of Yuan, 2022); no value follows it "
        "(code of Parsaee et al., 2023)"
    )
    crop_fraction: float = Field(
        ge=0, le=0.2, description="fraction of each side cut by the random crop, rounded to pixels"
    )
    crop_range: Literal["paper", "code"] = Field(
        description="'paper': offsets over the whole margin; 'code': over its first half"
    )


class LearningConfig(Section):
    """Settings of learning that every algorithm shares with the learner and the replay store."""

    batch_size: int = Field(ge=1, le=4096, description="transitions in a mini-batch")
    discount: float = Field(ge=0, lt=1, description="gamma, per environment step")
    reward_scale: Positive = Field(description="factor on rewards inside the learner (1 in the papers)")
    precision: Literal["fp32", "bf16"] = Field(
        description="bf16: convolutions and the layers between hidden ones multiply in bfloat16, all else in float32"
    )


class LearnerConfig(Section):
    """The learner process."""

    max_updates_per_step: Positive = Field(le=64, description="gradient updates per environment step, at most")
    batches_in_flight: Count = Field(le=3, description="mini-batches requested ahead with architecture async2")
    threads: int = Field(ge=0, le=256, description="torch threads; 0: all cores but one, left to the real-time loop")
    publish_period: Count = Field(description="updates from one parameter publication to the next")
    checkpoint_period: Positive = Field(description="seconds between checkpoints")
    metrics_period: Count = Field(description="updates between metrics")
    device: Literal["auto", "cpu", "cuda"] = Field(description="auto: a GPU where torch finds one")


class EvaluationConfig(Section):
    """Settings of `async_rl evaluate`: episodes of a trained policy without noise (Yuan, 2022, section 6.2)."""

    checkpoint: UserPath | None = Field(description="whose policy acts, and nothing learns; null: the run learns")
    episodes: Count = Field(description="episodes in an evaluation")
    seed: int = Field(ge=0, lt=2**31, description="seed of an evaluation's targets, the same for every run evaluated")
    success_coverage: Fraction = Field(
        description="share of the image that the target fills, weighted as in the task's reward and averaged over the "
        "episode, from which the episode is a success"
    )


class GuardConfig(Section):
    """The safety guard."""

    watchdog: Positive = Field(
        le=2.25,
        description="seconds without a fresh valid command until the arm is brought to rest; 0.5 at most, but "
        "1.5 action cycles with seq and a simulated arm",
    )
    grace: Positive = Field(
        le=0.5, description="seconds past an action cycle without a command until the arm slows down; no fault yet"
    )
    state_timeout: Positive = Field(
        le=0.5, description="seconds without a fresh joint state until the arm is brought to rest"
    )
    auto_arm: bool = Field(description="arm without a person's word; for simulation only")
    clear_timing_faults: bool | None = Field(
        description="clear faults that say only that something came late, once the arm is at rest; for simulation "
        "only; null: with a simulated arm"
    )
    position_margin: NonNegative = Field(description="rad kept free before a joint limit")
    workspace_margin: NonNegative = Field(description="metres by which the guard's box and sphere exceed the agent's")
    collision_margin: Positive = Field(description="metres that links keep from one another and from the table")


class SimConfig(Section):
    """The simulated robot and camera; every disturbance is off at 0."""

    renderer: Literal["auto", "gl", "raycast"]
    physics_step: Positive = Field(le=0.01, description="seconds")
    image_noise: NonNegative = Field(le=128, description="standard deviation of pixel noise, in grey levels")
    joint_noise: NonNegative = Field(le=0.1, description="standard deviation of joint angle noise, in rad")
    image_latency: NonNegative = Field(le=1.0, description="seconds added to each image's delivery")
    stamp_delay: NonNegative = Field(
        le=1.0, description="seconds by which an image's stamp is later than what it shows; at most image_latency"
    )
    lighting: float = Field(ge=0.1, le=2.0, description="brightness of the scene; 1: as designed")


class LoggingConfig(Section):
    """Settings of the monitor's records."""

    curve_period: Positive = Field(description="seconds between redraws of the learning curve")
    video_every: Count = Field(description="episodes from one recorded video to the next")


class Config(Section):
    """A whole run, resolved: what `runs/<name>/config.yaml` holds."""

    preset: str
    task: str = Field(description="one of those that are registered")
    parameters: dict[str, JsonValue] = Field(description="of the task, which says what they may be")
    algorithm: str = Field(description="one of those that are registered")
    architecture: Architecture
    seed: int = Field(ge=0, lt=2**31)
    duration: Positive | None = Field(description="seconds of wall time; null: until stopped")
    episodes: Count | None = Field(description="episodes to run; null: until stopped")
    run_dir: UserPath | None = Field(description="the run's own folder; null: runs/<date>-<task>-<preset>")
    display: bool = Field(description="show the target full screen on a real display")
    rviz: bool = Field(description="start RViz (needs an installed ROS 2)")
    record_video: bool = Field(description="record the camera of every tenth episode")
    secure: bool = Field(description="only nodes with keys of the keystore take part, each within its rights (SROS2)")
    restarts: int = Field(
        ge=0,
        le=100,
        description="times that each of agent, learner, replay, target, monitor and a camera's nodes is started again",
    )
    hardware: Literal["sim", "real"] = Field(description="whether the arm is simulated")
    robot_ip: str | None = Field(description="address of the real robot")
    driver: str | None = Field(description="one of the robot's drivers; null: its first")
    camera: CameraConfig
    agent: AgentConfig
    reward: RewardConfig
    target: TargetConfig
    replay: ReplayConfig
    learning: LearningConfig
    algorithm_settings: dict[str, JsonValue] = Field(
        default_factory=dict,
        description="section of the algorithm's own settings; in a file it has the algorithm's name",
    )
    learner: LearnerConfig
    evaluation: EvaluationConfig
    guard: GuardConfig
    sim: SimConfig
    logging: LoggingConfig
    robot: RobotConfig

    @classmethod
    def from_values(cls, values: Mapping[str, object]) -> Self:
        """Returns the configuration of a file's values, in which the algorithm's section has the algorithm's name.

        Raises pydantic's ValidationError.
        """
        name = values.get("algorithm")
        named = {("algorithm_settings" if key == name else key): value for key, value in values.items()}
        # JSON mode is strict (no 'yes' for true, no '1' for 1), yet takes lists for tuples and strings for paths.
        return cls.model_validate_json(json.dumps(named, default=str), strict=True)

    @model_serializer(mode="wrap")
    def _name_algorithm_settings(self, dump: SerializerFunctionWrapHandler) -> dict[str, object]:
        """Writes `algorithm_settings` as the section that has the algorithm's name."""
        return {(self.algorithm if key == "algorithm_settings" else key): value for key, value in dump(self).items()}

    @property
    def learns(self) -> bool:
        """Returns whether the run trains a policy; an evaluation does not."""
        return self.evaluation.checkpoint is None

    @property
    def robot_driver(self) -> Driver | None:
        """The driver of the arm; None if the arm is simulated without its driver."""
        names = list(self.robot.drivers)
        if not names:
            return None
        driver = self.robot.drivers[self.driver or names[0]]
        simulated = self.hardware == "sim" and (driver.via == "launch" or driver.simulator is None)
        return None if simulated else driver

    @property
    def camera_driver(self) -> CameraDriver | None:
        """The driver of the camera; None if the suite does not start it."""
        return self.camera.drivers.get(self.camera.source or "")

    @property
    def camera_topic(self) -> str | None:
        """The topic of a real camera; None with a simulated one."""
        if self.camera_driver is not None:
            return self.camera_driver.topic
        source = self.camera.source or (SIMULATED if self.hardware == "sim" else f"{TOPIC}image_raw")
        return None if source == SIMULATED else source.removeprefix(TOPIC)

    @property
    def image_topic(self) -> str:
        """The topic of the images that the agent observes: rgb8, of the camera's width and height."""
        return IMAGE if self.camera_topic is None else OBSERVED_IMAGE
