"""The contract of a task: observation, reward, end and success of an episode, target and scene."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, Self

from numpy.typing import ArrayLike, NDArray

from async_rl_core.config.schema import Config, TargetSurface
from async_rl_core.config.section import Section
from async_rl_core.spec.observation import StatePart
from async_rl_core.tasks.outcome import Outcome
from async_rl_core.tasks.target import Picture, Target

if TYPE_CHECKING:
    import mujoco


class TaskParameters(Section):
    """Schema of the `parameters` in a task's settings; a task with parameters derives its own from it."""

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Returns the parameters of a run. Raises pydantic's ValidationError where they do not fit the schema."""
        return cls.model_validate_json(json.dumps(config.parameters), strict=True)


EVALUATION_SEEDS = 2**31
"""Added to the seed of an evaluation; a run's seed is smaller."""

Pose = tuple[float, ...]
"""Joint angles in the robot's command order, rad."""


class Reward(Protocol):
    """Judges the outcome of an action: returns the reward and the target term."""

    def __call__(self, outcome: Outcome, /) -> tuple[float, float]: ...


class SceneView(Protocol):
    """The simulated scene at one moment, as `Task.simulated_state` and `Task.reset_scene` see it."""

    episode: int
    """Number of the episode that runs or begins."""
    model: "mujoco.MjModel"
    data: "mujoco.MjData"

    def position(self, body: str) -> NDArray[Any]:
        """Returns the position (3,) of a body in the workspace frame, in metres."""


class Task(ABC):
    """A task of an arm.

    Found by the entry point of its name (group `async_rl.tasks`). A YAML file of that name holds its settings: lengths
    of episode and reset, camera, frames, and `parameters` of its own.

    Attributes:
        schema: schema of `parameters`.
        uses_camera: whether an observation has an image. Without, no camera runs and no image is stored.
        episode_term: how the target terms of an episode's steps give that of the episode.
        shows: target that the simulator draws: a red disc on a monitor, or a bean bag on the table.
    """

    schema: ClassVar[type[TaskParameters]] = TaskParameters
    uses_camera: ClassVar[bool] = True
    episode_term: ClassVar[Literal["mean", "last"]] = "mean"
    shows: ClassVar[Literal["disc", "bag"]] = "disc"

    def __init__(self, config: Config) -> None:
        self.config = config

    @property
    def target_seed(self) -> int:
        """Seed of the run's targets. An evaluation's are targets that no run has trained on."""
        return self.config.seed if self.config.learns else EVALUATION_SEEDS + self.config.seed

    def observation_parts(self) -> Sequence[StatePart]:
        """Returns the parts that the task adds to the state, behind the arm's joints and the previous action."""
        return ()

    def simulated_state(self, view: SceneView) -> Mapping[str, ArrayLike]:
        """Returns the values of `observation_parts` in the simulated scene, by name.

        With a real arm a sensor driver publishes them on the topic `task_state`.
        """
        return {}

    @abstractmethod
    def reward(self) -> Reward:
        """Returns the reward function. Its target term compares runs of different cycle times."""

    def terminal(self, outcome: Outcome) -> bool:
        """Returns whether the episode ends here and no return follows. The time limit is not terminal."""
        return False

    @property
    def success(self) -> float:
        """The episode's target term from which the episode is a success."""
        return self.config.evaluation.success_coverage

    def reset_waypoints(self, episode: int) -> Sequence[Pose]:
        """Returns the poses that the arm passes on its way back to the start pose, before an episode."""
        return ()

    def scene(self, spec: "mujoco.MjSpec") -> None:  # noqa: B027 # most tasks add nothing
        """Adds the task's objects to the simulated scene, before it is compiled."""

    def reset_scene(self, view: SceneView) -> None:  # noqa: B027
        """Places the objects of the simulated scene for the episode `view.episode`."""

    def target(self, seed: int) -> Target | None:
        """Returns the target that the camera sees, in the coordinates of `picture`; None where there is none."""
        return None

    @property
    def picture(self) -> Picture:
        """The picture in which the target moves; it fills `surface`."""
        target = self.config.target
        return Picture(target.width, target.height, target.radius)

    @property
    def surface(self) -> TargetSurface:
        """The surface on which the target appears; by default the monitor."""
        return self.config.robot.monitor

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields the contradictions in the configuration: the dotted key to change, and the reason."""
        picture = self.picture
        if 2 * picture.radius >= min(picture.width, picture.height):
            size = f"{picture.width:g} x {picture.height:g}"
            yield "target.radius", f"{picture.radius:g} does not fit a picture of {size}"
