"""The deterministic policy, and the noise by which it explores."""

import copy
from typing import Literal

import torch
from torch import Tensor, nn

from async_rl_core.algorithms.base import AlgorithmSetup
from async_rl_core.algorithms.common.config import NetworkConfig
from async_rl_core.algorithms.common.encoder import Encoder
from async_rl_core.algorithms.common.networks import DeterministicActor, build_deterministic_policy
from async_rl_core.policies.network_policy import NetworkPolicy

NoiseKind = Literal["gaussian", "ornstein_uhlenbeck"]


class DeterministicPolicy(NetworkPolicy):
    """Returns the actor's action, with noise added and clipped to [-1, 1] unless deterministic.

    Args:
        noise: `gaussian`: independent in each step; `ornstein_uhlenbeck`: correlated over steps, from 0 in each episode
            (Lillicrap et al., 2016, section 7).
        noise_std: standard deviation of the normal numbers that are drawn in each step.
        noise_theta: share by which the Ornstein-Uhlenbeck noise falls back to 0 in a step.
    """

    actor: DeterministicActor

    def __init__(
        self,
        config: NetworkConfig,
        setup: AlgorithmSetup,
        noise: NoiseKind,
        noise_std: float,
        noise_theta: float,
        threads: int | None = 1,
    ) -> None:
        encoder, actor = build_deterministic_policy(config, setup)
        self._kept = 1.0 - noise_theta if noise == "ornstein_uhlenbeck" else 0.0
        self._std = noise_std
        self._noise, self._drawn = torch.zeros(1, setup.action_size), torch.zeros(1, setup.action_size)
        super().__init__(encoder, actor, setup, threads)

    def begin_episode(self, episode: int) -> None:
        """Seeds the noise by the episode's number, and sets it to 0."""
        super().begin_episode(episode)
        self._noise.zero_()

    def choose(self, features: Tensor, state: Tensor, deterministic: bool) -> Tensor:
        """Returns actions (1, a)."""
        action: Tensor = self.actor(features, state)
        if not deterministic:
            self._noise.mul_(self._kept).add_(self._drawn.normal_(generator=self.generator), alpha=self._std)
            action = (action + self._noise).clamp_(-1.0, 1.0)
        return action

    def deterministic_network(self) -> nn.Module:
        """Returns a copy of encoder and actor as one module."""
        return _Action(self.encoder, self.actor)


class _Action(nn.Module):
    """Images and states to actions, as `LearnedPolicy.deterministic_network` describes."""

    def __init__(self, encoder: Encoder, actor: DeterministicActor) -> None:
        super().__init__()
        self.encoder, self.actor = copy.deepcopy(encoder), copy.deepcopy(actor)

    def forward(self, images: Tensor, state: Tensor) -> Tensor:
        action: Tensor = self.actor(self.encoder(images), state)
        return action
