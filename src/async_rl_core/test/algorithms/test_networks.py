import math

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal, TransformedDistribution
from torch.distributions.transforms import TanhTransform

from async_rl_core.algorithms.networks import Actor, TwinCritic, mlp, squashed_log_density


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_density_is_that_of_torch_distributions() -> None:
    mu, log_std, noise = normal(50, 5), 0.5 * normal(50, 5, seed=1), normal(50, 5, seed=2)
    u = mu + log_std.exp() * noise
    squashed = TransformedDistribution(Normal(mu, log_std.exp()), [TanhTransform(cache_size=1)])
    expected = Independent(squashed, 1).log_prob(torch.tanh(u))
    torch.testing.assert_close(squashed_log_density(u, noise, log_std), expected, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("u", [-40.0, 40.0])
def test_density_is_finite_where_tanh_saturates(u: float) -> None:
    value = squashed_log_density(torch.tensor([[u]]), torch.zeros(1, 1), torch.zeros(1, 1))
    expected = -0.5 * math.log(2 * math.pi) - 2 * (math.log(2) - abs(u))
    assert value.item() == pytest.approx(expected, rel=1e-5)


def test_density_integrates_to_one() -> None:
    a = torch.linspace(-1, 1, 20001, dtype=torch.float64)[1:-1].unsqueeze(1)
    u, mu, log_std = torch.atanh(a), 0.3, torch.tensor(-0.4, dtype=torch.float64)
    density = squashed_log_density(u, (u - mu) / log_std.exp(), log_std.expand(u.shape)).exp()
    assert torch.trapezoid(density, a.squeeze(1)).item() == pytest.approx(1.0, abs=1e-4)


def test_log_std_stays_within_its_bounds() -> None:
    actor = Actor(4, 2, [8], layer_norm=False, log_std_bounds=(-10.0, 2.0))
    _, log_std = actor(1e4 * torch.randn(100, 3), torch.randn(100, 1))
    assert log_std.min() >= -10.0 and log_std.max() <= 2.0
    nn.init.zeros_(actor.trunk[-1].weight)
    nn.init.zeros_(actor.trunk[-1].bias)
    mu, log_std = actor(torch.randn(1, 3), torch.randn(1, 1))
    assert log_std.tolist() == [[-4.0, -4.0]] and mu.tolist() == [[0.0, 0.0]]


def test_sample_is_the_squashed_gaussian() -> None:
    actor = Actor(4, 2, [8], layer_norm=False, log_std_bounds=(-10.0, 2.0))
    features, proprioception, noise = torch.randn(6, 3), torch.randn(6, 1), torch.randn(6, 2)
    mu, log_std = actor(features, proprioception)
    pi, log_pi = actor.sample(features, proprioception, noise)
    torch.testing.assert_close(pi, torch.tanh(mu + log_std.exp() * noise))
    assert pi.shape == (6, 2) and log_pi.shape == (6,)


def test_mlp_has_the_papers_layers() -> None:
    assert [type(layer) for layer in mlp(84, [1024, 1024], 10, layer_norm=False)] == [
        nn.Linear, nn.ReLU, nn.Linear, nn.ReLU, nn.Linear,
    ]  # fmt: skip
    assert sum(isinstance(layer, nn.LayerNorm) for layer in mlp(84, [256, 256], 10, layer_norm=True)) == 2


def test_the_twin_critics_are_independent() -> None:
    critic = TwinCritic(5, 2, [8], layer_norm=False)
    Q1, Q2 = critic(torch.randn(3, 4), torch.randn(3, 1), torch.randn(3, 2))
    assert Q1.shape == Q2.shape == (3,)
    Q1.sum().backward()
    assert all(p.grad is None for p in critic.Q2.parameters())
    assert all(p.grad is not None for p in critic.Q1.parameters())
