"""The squashed Gaussian policy."""

import copy

import torch
from torch import Tensor, nn

from async_rl_core.algorithms.base import AlgorithmSetup
from async_rl_core.algorithms.common.config import NetworkConfig
from async_rl_core.algorithms.common.encoder import Encoder
from async_rl_core.algorithms.common.networks import GaussianActor, build_gaussian_policy
from async_rl_core.policies.network_policy import NetworkPolicy


class GaussianPolicy(NetworkPolicy):
    """Samples tanh(mu + std * noise), or returns tanh(mu) if deterministic.

    A new policy is that of a learner of the same seed before its first update.
    """

    actor: GaussianActor

    def __init__(
        self,
        config: NetworkConfig,
        log_std_bounds: tuple[float, float],
        setup: AlgorithmSetup,
        threads: int | None = 1,
    ) -> None:
        encoder, actor = build_gaussian_policy(config, log_std_bounds, setup)
        self._noise = torch.zeros(1, setup.action_size)
        super().__init__(encoder, actor, setup, threads)

    def choose(self, features: Tensor, state: Tensor, deterministic: bool) -> Tensor:
        """Returns actions (1, a)."""
        mu, log_std = self.actor(features, state)
        if not deterministic:
            mu = mu + log_std.exp_() * self._noise.normal_(generator=self.generator)
        return torch.tanh(mu)

    def deterministic_network(self) -> nn.Module:
        """Returns a copy of encoder and actor as one module, whose action is tanh(mu)."""
        return _MeanAction(self.encoder, self.actor)


class _MeanAction(nn.Module):
    """Images and states to tanh(mu), as `LearnedPolicy.deterministic_network` describes."""

    def __init__(self, encoder: Encoder, actor: GaussianActor) -> None:
        super().__init__()
        self.encoder, self.actor = copy.deepcopy(encoder), copy.deepcopy(actor)

    def forward(self, images: Tensor, state: Tensor) -> Tensor:
        mu, _ = self.actor(self.encoder(images), state)
        return torch.tanh(mu)
