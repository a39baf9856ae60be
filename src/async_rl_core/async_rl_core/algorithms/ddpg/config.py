"""The settings of deep deterministic policy gradient."""

from typing import Literal

from pydantic import Field

from async_rl_core.algorithms.base import Algorithm, AlgorithmSetup
from async_rl_core.algorithms.common.config import NetworkConfig
from async_rl_core.config.section import Count, Fraction, NonNegative, Positive
from async_rl_core.policies.base import LearnedPolicy


class DDPGConfig(NetworkConfig):
    """Deep deterministic policy gradient: Lillicrap et al. (2016), section 7."""

    actor_learning_rate: Positive
    critic_learning_rate: Positive
    encoder_learning_rate: Positive
    actor_update_frequency: Count = Field(description="critic updates per actor update")
    target_update_frequency: Count = Field(description="critic updates per target update")
    tau: Fraction = Field(description="share by which a target network follows its network in an update")
    noise: Literal["gaussian", "ornstein_uhlenbeck"] = Field(
        description="exploration; gaussian: independent in each step; ornstein_uhlenbeck: correlated over steps"
    )
    noise_std: NonNegative = Field(description="standard deviation of the noise drawn in each step; actions reach 1")
    noise_theta: Fraction = Field(description="share by which Ornstein-Uhlenbeck noise falls back to 0 in a step")

    def make_algorithm(self, setup: AlgorithmSetup, device: str) -> Algorithm:
        """Returns a new learner."""
        from async_rl_core.algorithms.ddpg.ddpg import DDPG

        return DDPG(self, setup, device)

    def make_policy(self, setup: AlgorithmSetup, threads: int | None = 1) -> LearnedPolicy:
        """Returns the deterministic policy."""
        from async_rl_core.policies.deterministic import DeterministicPolicy

        return DeterministicPolicy(self, setup, self.noise, self.noise_std, self.noise_theta, threads)
