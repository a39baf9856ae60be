"""The settings of soft actor-critic."""

from pydantic import Field, model_validator

from async_rl_core.algorithms.base import Algorithm, AlgorithmSetup
from async_rl_core.algorithms.common.config import NetworkConfig
from async_rl_core.config.section import Count, Fraction, KeyedError, Positive
from async_rl_core.policies.base import LearnedPolicy


class SACConfig(NetworkConfig):
    """Soft actor-critic: table 5.3 of Yuan (2022)."""

    actor_learning_rate: Positive
    critic_learning_rate: Positive
    encoder_learning_rate: Positive = Field(description="1e-3 in the paper; the critic's, 3e-4, in its code")
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
    log_std_bounds: tuple[float, float]

    @model_validator(mode="after")
    def _ordered_bounds(self) -> "SACConfig":
        low, high = self.log_std_bounds
        if low >= high:
            raise KeyedError(f"log_std_bounds must be ascending, got [{low}, {high}]", "log_std_bounds")
        return self

    def make_algorithm(self, setup: AlgorithmSetup, device: str) -> Algorithm:
        """Returns a new learner."""
        from async_rl_core.algorithms.sac.sac import SAC

        return SAC(self, setup, device)

    def make_policy(self, setup: AlgorithmSetup, threads: int | None = 1) -> LearnedPolicy:
        """Returns the squashed Gaussian policy."""
        from async_rl_core.policies.gaussian import GaussianPolicy

        return GaussianPolicy(self, self.log_std_bounds, setup, threads)
