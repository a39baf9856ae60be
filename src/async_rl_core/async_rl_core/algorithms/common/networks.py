"""Actor and critic on the encoder's features (Yuan, 2022, section 4.1)."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from async_rl_core.algorithms.base import AlgorithmSetup
from async_rl_core.algorithms.common.config import NetworkConfig
from async_rl_core.algorithms.common.encoder import Encoder, NoEncoder
from async_rl_core.algorithms.common.parameters import initialise


class MixedLinear(nn.Linear):
    """A linear layer that multiplies in `dtype`; its input, output and parameters are float32."""

    def __init__(self, inputs: int, outputs: int, dtype: torch.dtype) -> None:
        super().__init__(inputs, outputs)
        self._dtype = dtype

    def forward(self, x: Tensor) -> Tensor:
        """Returns the layer's output."""
        weight, bias = self.weight.to(self._dtype), self.bias.to(self._dtype)
        return F.linear(x.to(self._dtype), weight, bias).float()


def mlp(
    inputs: int, hidden: Sequence[int], outputs: int, layer_norm: bool, dtype: torch.dtype = torch.float32
) -> nn.Sequential:
    """Returns linear layers with ReLU after each but the last, and optional layer normalisation before each ReLU.

    The layers between hidden ones multiply in `dtype`. The first and the last stay in float32, since coordinates and
    values need more than bfloat16's eight bits.
    """
    layers: list[nn.Module] = []
    for i, size in enumerate(hidden):
        plain = i == 0 or dtype == torch.float32
        layers.append(nn.Linear(inputs, size) if plain else MixedLinear(inputs, size, dtype))
        if layer_norm:
            layers.append(nn.LayerNorm(size))
        layers.append(nn.ReLU(inplace=True))
        inputs = size
    layers.append(nn.Linear(inputs, outputs))
    return nn.Sequential(*layers)


class ActionSample(NamedTuple):
    """Reparameterised actions and their log density."""

    pi: Tensor
    """(B, a) in (-1, 1)."""
    log_pi: Tensor
    """(B,)."""


class GaussianActor(nn.Module):
    """A Gaussian squashed by tanh. Features (B, f) and state (B, p) to mu and log std, (B, a) each."""

    def __init__(
        self,
        inputs: int,
        action_size: int,
        hidden: Sequence[int],
        layer_norm: bool,
        log_std_bounds: tuple[float, float],
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.trunk = mlp(inputs, hidden, 2 * action_size, layer_norm, dtype)
        self.log_std_bounds = log_std_bounds

    def forward(self, features: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Returns mu, before tanh, and log std."""
        mu, raw = self.trunk(torch.cat((features, state), dim=-1)).chunk(2, dim=-1)
        low, high = self.log_std_bounds
        # tanh rescaled, as in SAC-AE: unlike a clamp it has a gradient everywhere.
        return mu, low + 0.5 * (high - low) * (torch.tanh(raw) + 1.0)

    def sample(self, features: Tensor, state: Tensor, noise: Tensor) -> ActionSample:
        """Returns actions and log densities for standard normal `noise` (B, a)."""
        mu, log_std = self(features, state)
        u = mu + log_std.exp() * noise
        return ActionSample(torch.tanh(u), squashed_log_density(u, noise, log_std))


def squashed_log_density(u: Tensor, noise: Tensor, log_std: Tensor) -> Tensor:
    """Returns log pi(tanh(u)), (B,), of u = mu + std * noise (Haarnoja et al., 2018b, appendix C).

    log(1 - tanh(u)^2) is written as 2 (log 2 - u - softplus(-2 u)), which is exact where tanh saturates; the papers'
    code adds 1e-6 under the logarithm instead.
    """
    gaussian = -0.5 * noise.square() - log_std - 0.5 * math.log(2.0 * math.pi)
    return (gaussian - 2.0 * (math.log(2.0) - u - F.softplus(-2.0 * u))).sum(dim=-1)


class DeterministicActor(nn.Module):
    """Features (B, f) and state (B, p) to actions (B, a) in (-1, 1)."""

    def __init__(
        self,
        inputs: int,
        action_size: int,
        hidden: Sequence[int],
        layer_norm: bool,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.trunk = mlp(inputs, hidden, action_size, layer_norm, dtype)

    def forward(self, features: Tensor, state: Tensor) -> Tensor:
        """Returns the actions."""
        return torch.tanh(self.trunk(torch.cat((features, state), dim=-1)))


class Critic(nn.Module):
    """A Q-function. Features (B, f), state (B, s) and action (B, a) to Q, (B,)."""

    def __init__(
        self,
        inputs: int,
        action_size: int,
        hidden: Sequence[int],
        layer_norm: bool,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.Q = mlp(inputs + action_size, hidden, 1, layer_norm, dtype)

    def forward(self, features: Tensor, state: Tensor, action: Tensor) -> Tensor:
        """Returns Q."""
        Q: Tensor = self.Q(torch.cat((features, state, action), dim=-1)).squeeze(-1)
        return Q


class TwinCritic(nn.Module):
    """Two Q-functions. Features (B, f), state (B, p) and action (B, a) to Q1 and Q2, (B,) each."""

    def __init__(
        self,
        inputs: int,
        action_size: int,
        hidden: Sequence[int],
        layer_norm: bool,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.Q1 = mlp(inputs + action_size, hidden, 1, layer_norm, dtype)
        self.Q2 = mlp(inputs + action_size, hidden, 1, layer_norm, dtype)

    def forward(self, features: Tensor, state: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        """Returns Q1 and Q2."""
        x = torch.cat((features, state, action), dim=-1)
        return self.Q1(x).squeeze(-1), self.Q2(x).squeeze(-1)


def build_encoder(config: NetworkConfig, setup: AlgorithmSetup) -> Encoder:
    """Returns a new encoder of the run's images, without features if there are none."""
    image = setup.spec.image
    return Encoder(image, config.encoder_channels, config.encoder_strides) if image is not None else NoEncoder()


def build_gaussian_policy(
    config: NetworkConfig,
    log_std_bounds: tuple[float, float],
    setup: AlgorithmSetup,
    dtype: torch.dtype = torch.float32,
) -> tuple[Encoder, GaussianActor]:
    """Returns a new encoder and actor; one seed gives one policy, in the learner as in the agent.

    The actor's hidden layers multiply in `dtype`; the encoder takes the type of its images.
    """
    encoder = build_encoder(config, setup)
    inputs, actions = encoder.size + setup.spec.policy_size, setup.action_size
    actor = GaussianActor(inputs, actions, config.hidden_sizes, config.layer_norm, log_std_bounds, dtype)
    _initialise_policy(encoder, actor, setup.seed)
    return encoder, actor


def build_deterministic_policy(
    config: NetworkConfig, setup: AlgorithmSetup, dtype: torch.dtype = torch.float32
) -> tuple[Encoder, DeterministicActor]:
    """Returns a new encoder and actor, as `build_gaussian_policy` does."""
    encoder = build_encoder(config, setup)
    inputs = encoder.size + setup.spec.policy_size
    actor = DeterministicActor(inputs, setup.action_size, config.hidden_sizes, config.layer_norm, dtype)
    _initialise_policy(encoder, actor, setup.seed)
    return encoder, actor


def _initialise_policy(encoder: Encoder, actor: nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    initialise(encoder, generator)
    initialise(actor, generator)
