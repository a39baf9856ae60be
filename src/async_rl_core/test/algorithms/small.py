"""Tiny learners and policies, for tests."""

from dataclasses import dataclass

from async_rl_core.algorithms.base import AlgorithmSetup
from async_rl_core.algorithms.sac.config import SACConfig
from async_rl_core.algorithms.sac.sac import SAC
from async_rl_core.config.load import resolve
from async_rl_core.config.schema import LearningConfig
from async_rl_core.policies.gaussian import GaussianPolicy
from async_rl_core.spec.observation import ObservationSpec

NETWORKS: dict[str, object] = {"encoder_channels": 4, "encoder_strides": (2, 2), "hidden_sizes": (16, 16)}


@dataclass(frozen=True)
class Small:
    """Makes SAC and its policy with the papers' settings but small networks; keywords change settings."""

    spec: ObservationSpec

    def setup(self, seed: int = 0, action_size: int = 2, **changes: object) -> AlgorithmSetup:
        learning = resolve("yuan2022_baseline").learning.model_copy(update={"batch_size": 8} | changes)
        return AlgorithmSetup("sac", learning, self.spec, action_size, seed)

    def config(self, **changes: object) -> SACConfig:
        return SACConfig.from_config(resolve("yuan2022_baseline")).model_copy(update=NETWORKS | changes)

    def _parts(self, seed: int, action_size: int, changes: dict[str, object]) -> tuple[SACConfig, AlgorithmSetup]:
        shared = {key: changes[key] for key in changes.keys() & LearningConfig.model_fields.keys()}
        own = {key: changes[key] for key in changes.keys() - shared.keys()}
        return self.config(**own), self.setup(seed, action_size, **shared)

    def sac(self, seed: int = 0, action_size: int = 2, device: str = "cpu", **changes: object) -> SAC:
        return SAC(*self._parts(seed, action_size, changes), device)

    def policy(self, seed: int = 0, action_size: int = 2, **changes: object) -> GaussianPolicy:
        config, setup = self._parts(seed, action_size, changes)
        return GaussianPolicy(config, config.log_std_bounds, setup)
