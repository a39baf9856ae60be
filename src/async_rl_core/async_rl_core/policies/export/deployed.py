"""The policy as one network: a camera's images in, joint velocities out."""

from torch import Tensor, nn

from async_rl_core.config.schema import Config
from async_rl_core.policies.base import LearnedPolicy
from async_rl_core.spec.crop import Crop


class DeployedPolicy(nn.Module):
    """Crop, policy and action scale; deterministic, and without anything of this suite around it.

    Images (B, H, W, 3 k) uint8 of the camera's whole size, k frames of RGB, oldest first, and state (B, 3 a)
    float32, as in `ObservationBuffer`, to actions (B, a) in [-1, 1] and joint velocities (B, a) in rad/s.
    """

    def __init__(self, policy: LearnedPolicy, config: Config) -> None:
        super().__init__()
        crop = Crop.from_config(config)
        self.policy = policy.deterministic_network()
        self.rows = slice(crop.margin_y, crop.margin_y + crop.height)
        self.columns = slice(crop.margin_x, crop.margin_x + crop.width)
        self.action_scale = config.agent.action_scale
        self.requires_grad_(False)
        self.eval()

    def forward(self, images: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Returns actions and joint velocities."""
        pixels = images[:, self.rows, self.columns].permute(0, 3, 1, 2).float()
        action = self.policy(pixels, state)
        return action, self.action_scale * action
