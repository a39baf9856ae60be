"""Sizes of the things that a run stores, derived from its `ObservationSpec`."""

import math
from dataclasses import dataclass

from async_rl_core.config.schema import Config
from async_rl_core.spec.observation import ObservationSpec

FRAME_SLACK = 1.01
"""Frames kept per transition: an episode of 100 transitions has 101 frames."""
RECORD_SLACK = 1.25
"""Records kept per transition: they are small, so that frames decide what is forgotten."""


@dataclass(frozen=True)
class StepSizes:
    """Sizes of one step: whole camera frames, state and action."""

    height: int
    """Rows of a camera frame; 0 without a camera."""
    width: int
    """Columns of a camera frame; 0 without a camera."""
    state: int
    action: int

    @classmethod
    def from_config(cls, config: Config) -> "StepSizes":
        """Returns the sizes of a run's steps."""
        spec, camera = ObservationSpec.from_config(config), config.camera
        height, width = (camera.height, camera.width) if spec.image is not None else (0, 0)
        return cls(height, width, spec.state_size, len(config.robot.actuated_joints))

    @property
    def has_frames(self) -> bool:
        """Whether steps carry camera frames."""
        return self.frame_bytes > 0

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame."""
        return self.height * self.width * 3


@dataclass(frozen=True)
class StoreSizes:
    """Capacity of a store."""

    step: StepSizes
    capacity: int
    """Transitions."""
    stack: int
    """Frames of an observation."""
    frames_per_step: float = 1.0

    @classmethod
    def from_config(cls, config: Config) -> "StoreSizes":
        """Returns the capacity of a run's store."""
        stack = config.agent.frame_stack
        per_step = min(config.camera.rate * config.agent.action_cycle_time, stack)  # no observation uses the others
        return cls(StepSizes.from_config(config), config.replay.capacity, stack, per_step)

    @property
    def frames(self) -> int:
        """Frames kept; 0 where steps have none."""
        if not self.step.has_frames:
            return 0
        return math.ceil(self.capacity * self.frames_per_step * FRAME_SLACK) + 2 * self.stack

    @property
    def records(self) -> int:
        """Records kept."""
        return math.ceil(self.capacity * RECORD_SLACK) + 2
