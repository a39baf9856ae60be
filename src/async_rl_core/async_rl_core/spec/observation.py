"""What the networks see: the shapes that agent, replay and learner agree on."""

from dataclasses import dataclass

from async_rl_core.config.schema import Config
from async_rl_core.spec.crop import Crop


@dataclass(frozen=True, slots=True)
class ObservationSpec:
    """Sizes of one cropped observation: images (height, width, channels) uint8, proprioception (p,) float32."""

    height: int
    width: int
    channels: int
    proprioception: int

    @classmethod
    def of(cls, config: Config) -> "ObservationSpec":
        """The observation of a run: the cropped camera image, stacked, and angles, velocities and last action."""
        crop = Crop.of(config)
        joints = len(config.robot.actuated_joints)
        return cls(crop.height, crop.width, 3 * config.agent.frame_stack, 3 * joints)
