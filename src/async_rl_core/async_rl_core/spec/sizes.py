"""How large things are that a run stores."""

import math
from dataclasses import dataclass

from async_rl_core.config.schema import Config

FRAME_SLACK = 1.01
"""Frames kept per transition: an episode of 100 transitions has 101 frames."""
RECORD_SLACK = 1.25
"""Records kept per transition: they are small, so that frames decide what is forgotten."""


@dataclass(frozen=True)
class StepSizes:
    """What a step of a run consists of."""

    height: int
    width: int
    proprioception: int
    action: int

    @classmethod
    def of(cls, config: Config) -> "StepSizes":
        """Those of a run."""
        joints, camera = len(config.robot.actuated_joints), config.camera
        return cls(camera.height, camera.width, 3 * joints, joints)

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame."""
        return self.height * self.width * 3


@dataclass(frozen=True)
class StoreSizes:
    """What a store has room for."""

    step: StepSizes
    capacity: int
    """Transitions."""
    stack: int
    """Frames of an observation."""
    frames_per_step: float = 1.0

    @classmethod
    def of(cls, config: Config) -> "StoreSizes":
        """Those of a run."""
        stack = config.agent.frame_stack
        per_step = min(config.camera.rate * config.agent.action_cycle_time, stack)  # of the others no observation knows
        return cls(StepSizes.of(config), config.replay.capacity, stack, per_step)

    @property
    def frames(self) -> int:
        """Frames kept."""
        return math.ceil(self.capacity * self.frames_per_step * FRAME_SLACK) + 2 * self.stack

    @property
    def records(self) -> int:
        """Records kept."""
        return math.ceil(self.capacity * RECORD_SLACK) + 2
