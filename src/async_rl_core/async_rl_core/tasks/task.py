"""What a task is: what the arm is paid for, and where its target is. All else of it is settings."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.schema import Config, TargetSurface
from async_rl_core.config.section import Section
from async_rl_core.spec.observation import StatePart
from async_rl_core.tasks.target import Picture, Target


class TaskParameters(Section):
    """What the `parameters` of a task's settings may say; a task that has any derives from it."""

    @classmethod
    def of(cls, config: Config) -> Self:
        """The parameters of a run. Raises pydantic's ValidationError where they are others than the task declares."""
        return cls.model_validate_json(json.dumps(config.parameters), strict=True)


Pose = tuple[float, ...]
"""Joint angles in the robot's command order, rad."""


class Reward(Protocol):
    """Judges the newest frame (height, width, 3) and the joint angles (n,) in rad: reward and its target term."""

    def __call__(self, image: NDArray[np.uint8], angles: NDArray[np.float64], /) -> tuple[float, float]: ...


class Task(ABC):
    """What an arm is to do.

    Found by the entry point of its name (group `async_rl.tasks`). Its settings, in a YAML file of that name, say the
    rest: lengths of episode and reset, camera, frames, and `parameters` of its own.

    Attributes:
        schema: of `parameters`.
        shows: what the simulator puts at the target's place: a red disc on a monitor, or a bean bag on the table.
        uses_camera: whether an observation has an image.
    """

    schema: ClassVar[type[TaskParameters]] = TaskParameters
    shows: ClassVar[Literal["disc", "bag"]] = "disc"
    uses_camera: ClassVar[bool] = True

    def __init__(self, config: Config) -> None:
        self.config = config

    def observation_parts(self) -> Sequence[StatePart]:
        """Returns the parts that the task adds to the state, behind the arm's joints and the previous action."""
        return ()

    @abstractmethod
    def reward(self) -> Reward:
        """Judges each step by the newest image and the joint angles: the reward, and its target term.

        The target term is what runs of different cycle times are compared by: how well the target is reached.
        """

    @abstractmethod
    def target(self, seed: int) -> Target:
        """Where the target is, in the coordinates of `picture`."""

    def via(self, episode: int) -> Sequence[Pose]:
        """Poses that the arm goes through on its way back to the start pose, before an episode."""
        return ()

    @property
    def picture(self) -> Picture:
        """The picture that the target moves in, which fills `surface`."""
        target = self.config.target
        return Picture(target.width, target.height, target.radius)

    @property
    def surface(self) -> TargetSurface:
        """Where the target is to be seen: the monitor, if the task does not say otherwise."""
        return self.config.robot.monitor

    @property
    def success(self) -> float:
        """The target term, averaged over an episode, from which the episode is a success."""
        return self.config.evaluation.success_coverage

    def problems(self) -> Iterator[tuple[str, str]]:
        """What contradicts itself in the configuration: the dotted key to change, and why."""
        picture = self.picture
        if 2 * picture.radius >= min(picture.width, picture.height):
            size = f"{picture.width:g} x {picture.height:g}"
            yield "target.radius", f"{picture.radius:g} does not fit a picture of {size}"
