import math

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal, TransformedDistribution
from torch.distributions.transforms import TanhTransform

from async_rl_core.algorithms.common.networks import GaussianActor, MixedLinear, TwinCritic, mlp, squashed_log_density


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_log_density_equals_that_of_torch_distributions() -> None:
    mu, log_std, noise = normal(50, 5), 0.5 * normal(50, 5, seed=1), normal(50, 5, seed=2)
    u = mu + log_std.exp() * noise
    squashed = TransformedDistribution(Normal(mu, log_std.exp()), [TanhTransform(cache_size=1)])
    expected = Independent(squashed, 1).log_prob(torch.tanh(u))
    torch.testing.assert_close(squashed_log_density(u, noise, log_std), expected, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("u", [-40.0, 40.0])
def test_log_density_is_finite_if_tanh_saturates(u: float) -> None:
    value = squashed_log_density(torch.tensor([[u]]), torch.zeros(1, 1), torch.zeros(1, 1))
    expected = -0.5 * math.log(2 * math.pi) - 2 * (math.log(2) - abs(u))
    assert value.item() == pytest.approx(expected, rel=1e-5)


def test_log_density_integrates_to_one() -> None:
    a = torch.linspace(-1, 1, 20001, dtype=torch.float64)[1:-1].unsqueeze(1)
    u, mu, log_std = torch.atanh(a), 0.3, torch.tensor(-0.4, dtype=torch.float64)
    density = squashed_log_density(u, (u - mu) / log_std.exp(), log_std.expand(u.shape)).exp()
    assert torch.trapezoid(density, a.squeeze(1)).item() == pytest.approx(1.0, abs=1e-4)


def test_gaussian_actor_log_std_stays_within_its_bounds() -> None:
    actor = GaussianActor(4, 2, [8], layer_norm=False, log_std_bounds=(-10.0, 2.0))
    _, log_std = actor(1e4 * torch.randn(100, 3), torch.randn(100, 1))
    assert log_std.min() >= -10.0 and log_std.max() <= 2.0


@pytest.mark.parametrize("raw", [-2.0, 0.0, 0.7])
def test_gaussian_actor_log_std_is_a_rescaled_tanh(raw: float) -> None:
    actor = GaussianActor(4, 2, [8], layer_norm=False, log_std_bounds=(-10.0, 2.0))
    nn.init.zeros_(actor.trunk[-1].weight)
    actor.trunk[-1].bias.data = torch.tensor([0.3, -0.3, raw, raw])
    mu, log_std = actor(torch.randn(1, 3), torch.randn(1, 1))
    torch.testing.assert_close(mu, torch.tensor([[0.3, -0.3]]))
    assert log_std.tolist() == [[pytest.approx(-4.0 + 6.0 * math.tanh(raw), rel=1e-6)] * 2]


def test_gaussian_actor_sample_is_the_squashed_gaussian() -> None:
    actor = GaussianActor(4, 2, [8], layer_norm=False, log_std_bounds=(-10.0, 2.0))
    features, state, noise = torch.randn(6, 3), torch.randn(6, 1), torch.randn(6, 2)
    mu, log_std = actor(features, state)
    pi, log_pi = actor.sample(features, state, noise)
    torch.testing.assert_close(pi, torch.tanh(mu + log_std.exp() * noise))
    assert pi.shape == (6, 2) and log_pi.shape == (6,)


def test_mlp_has_the_papers_layers() -> None:
    assert [type(layer) for layer in mlp(84, [1024, 1024], 10, layer_norm=False)] == [
        nn.Linear, nn.ReLU, nn.Linear, nn.ReLU, nn.Linear,
    ]  # fmt: skip
    assert sum(isinstance(layer, nn.LayerNorm) for layer in mlp(84, [256, 256], 10, layer_norm=True)) == 2


def test_twin_critics_are_independent() -> None:
    critic = TwinCritic(5, 2, [8], layer_norm=False)
    Q1, Q2 = critic(torch.randn(3, 4), torch.randn(3, 1), torch.randn(3, 2))
    assert Q1.shape == Q2.shape == (3,)
    Q1.sum().backward()
    assert all(p.grad is None for p in critic.Q2.parameters())
    assert all(p.grad is not None for p in critic.Q1.parameters())


def test_mlp_multiplies_only_between_hidden_layers_in_bfloat16() -> None:
    linear = [layer for layer in mlp(84, [32, 32, 32], 10, False, torch.bfloat16) if isinstance(layer, nn.Linear)]
    assert [type(layer) for layer in linear] == [nn.Linear, MixedLinear, MixedLinear, nn.Linear]


def test_mixed_linear_rounds_only_its_factors() -> None:
    layer, x = MixedLinear(64, 32, torch.bfloat16), normal(8, 64).float().requires_grad_()
    output = layer(x)
    rounded = [tensor.bfloat16().double() for tensor in (x, layer.weight, layer.bias)]
    torch.testing.assert_close(output.double(), rounded[0] @ rounded[1].T + rounded[2], atol=5e-3, rtol=5e-3)
    output.sum().backward()
    for tensor in (output, layer.weight, layer.bias, layer.weight.grad, layer.bias.grad, x.grad):
        assert tensor is not None and tensor.dtype == torch.float32
