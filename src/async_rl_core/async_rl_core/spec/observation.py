"""The observation of a run: the one description of shapes that agent, replay and learner share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol, cast

from async_rl_core.config.schema import Config
from async_rl_core.config.task import task_plugin
from async_rl_core.errors import ConfigError
from async_rl_core.spec.crop import Crop


class ImageSpec(NamedTuple):
    """Sizes of the cropped, stacked camera image, uint8."""

    height: int
    width: int
    channels: int
    """3 * frame stack."""


@dataclass(frozen=True, slots=True)
class StatePart:
    """A named part of the state row."""

    name: str
    size: int
    """Number of floats."""
    unit: str
    privileged: bool = False
    """Whether critics may see it and the acting policy may not."""


@dataclass(frozen=True)
class ObservationSpec:
    """An optional image, and the state: one float32 row made of `parts` in order, privileged parts last.

    Raises `ConfigError` where a part is empty, a name occurs twice, or a privileged part precedes another.
    """

    image: ImageSpec | None
    """None: the run uses no camera."""
    parts: tuple[StatePart, ...]

    def __post_init__(self) -> None:
        """Check the parts."""
        seen: set[str] = set()
        for part in self.parts:
            if part.size < 1:
                raise ConfigError(f"state part '{part.name}' has size {part.size}; a part has at least 1 float")
            if part.name in seen:
                raise ConfigError(f"state part '{part.name}' occurs twice; give each part a name of its own")
            seen.add(part.name)
        flags = [part.privileged for part in self.parts]
        if flags != sorted(flags):
            raise ConfigError("privileged state parts must come last")

    @classmethod
    def from_config(cls, config: Config) -> "ObservationSpec":
        """Returns the observation of a run: its camera image, the arm's joints, and the parts of its task.

        Raises `ConfigError` where the task is not installed or declares parts that contradict each other.
        """
        task = cast(_ObservedTask, task_plugin(config.task)(config))
        image = None
        if task.uses_camera:
            crop = Crop.from_config(config)
            image = ImageSpec(crop.height, crop.width, 3 * config.agent.frame_stack)
        parts = [*arm_parts(len(config.robot.actuated_joints)), *task.observation_parts()]
        try:
            return cls(image, tuple(sorted(parts, key=lambda part: part.privileged)))
        except ConfigError as error:
            raise ConfigError(f"task '{config.task}': {error}") from error

    @cached_property
    def policy_size(self) -> int:
        """Floats of the state that the acting policy sees: `state[..., :policy_size]`."""
        return sum(part.size for part in self.parts if not part.privileged)

    @cached_property
    def state_size(self) -> int:
        """Floats of the state, privileged parts included."""
        return sum(part.size for part in self.parts)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels); zeros without a camera."""
        return self.image if self.image is not None else (0, 0, 0)

    def require_image(self) -> ImageSpec:
        """Returns `image`. Raises `ConfigError` where the run uses no camera."""
        if self.image is None:
            raise ConfigError("this needs camera images, and the task uses no camera; choose another task")
        return self.image


def arm_parts(joints: int) -> Iterable[StatePart]:
    """Yields the state parts that every task has, for that many actuated joints."""
    yield StatePart("joint_position", joints, "rad")
    yield StatePart("joint_velocity", joints, "rad/s")
    yield StatePart("previous_action", joints, "1")


class _ObservedTask(Protocol):
    """The task of a run, as this module sees it; tasks build on this module."""

    uses_camera: bool

    def observation_parts(self) -> Sequence[StatePart]: ...
