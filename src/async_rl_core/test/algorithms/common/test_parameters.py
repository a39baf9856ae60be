import pytest
import torch
from torch import nn

from async_rl_core.algorithms.common.adam import Adam, ParameterGroup
from async_rl_core.algorithms.common.encoder import Encoder
from async_rl_core.algorithms.common.networks import mlp
from async_rl_core.algorithms.common.parameters import delta_orthogonal_, flatten, initialise
from async_rl_core.spec.observation import ImageSpec


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


@pytest.mark.parametrize(("out_channels", "in_channels"), [(32, 9), (32, 32), (4, 6)])
def test_delta_orthogonal_kernel_is_orthogonal_at_its_centre_and_zero_around_it(
    generator: torch.Generator, out_channels: int, in_channels: int
) -> None:
    weight = delta_orthogonal_(torch.empty(out_channels, in_channels, 3, 3), generator)
    centre = weight[:, :, 1, 1].clone()
    small = centre.T @ centre if out_channels > in_channels else centre @ centre.T
    torch.testing.assert_close(small, 2.0 * torch.eye(min(out_channels, in_channels)), atol=1e-5, rtol=0)
    weight[:, :, 1, 1] = 0
    assert not weight.any()


def test_delta_orthogonal_kernel_that_is_not_square_is_refused(generator: torch.Generator) -> None:
    with pytest.raises(ValueError, match="3x2"):
        delta_orthogonal_(torch.empty(2, 2, 3, 2), generator)


def test_initialise_makes_linear_layers_orthogonal_and_biases_zero(generator: torch.Generator) -> None:
    network = mlp(12, [16, 16], 4, layer_norm=False)
    initialise(network, generator)
    for layer in network:
        if isinstance(layer, nn.Linear):
            w = layer.weight.detach()
            small = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
            torch.testing.assert_close(small, torch.eye(min(w.shape)), atol=1e-5, rtol=0)
            assert not layer.bias.any()


def test_initialise_makes_biases_of_an_encoder_zero(generator: torch.Generator) -> None:
    encoder = Encoder(ImageSpec(30, 40, 9), 8, [2, 1])
    initialise(encoder, generator)
    assert all(not p.any() for name, p in encoder.named_parameters() if name.endswith("bias"))


def test_flatten_gives_vector_and_parameters_one_memory() -> None:
    first, second = nn.Conv2d(3, 4, 3), nn.Linear(5, 2)
    values = [p.detach().clone() for m in (first, second) for p in m.parameters()]
    flat = flatten(first, second)
    parameters = [*first.parameters(), *second.parameters()]
    assert flat.numel() == sum(v.numel() for v in values)
    for parameter, value in zip(parameters, values, strict=True):
        assert torch.equal(parameter, value)
    with torch.no_grad():
        flat.zero_()
    assert all(not p.any() for p in parameters)
    with torch.no_grad():
        second.bias.fill_(7.0)
    assert flat[-2:].tolist() == [7.0, 7.0]


def test_flatten_puts_kernels_in_channels_last_order() -> None:
    convolution = nn.Conv2d(3, 4, 3)
    flatten(convolution)
    assert convolution.weight.is_contiguous(memory_format=torch.channels_last)


def test_adam_steps_flattened_kernels_like_plain_ones() -> None:
    torch.manual_seed(0)
    plain, flat = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)
    flat.load_state_dict(plain.state_dict())
    flatten(flat)
    optimisers = (
        torch.optim.Adam(plain.parameters()),
        Adam([ParameterGroup(list(flat.parameters()), 1e-3)], torch.zeros(())),
    )
    x = torch.randn(2, 3, 8, 8)
    for _ in range(5):
        for module, optimiser in zip((plain, flat), optimisers, strict=True):
            optimiser.zero_grad()
            module(x).square().mean().backward()
            optimiser.step()
    torch.testing.assert_close(flat.weight, plain.weight, atol=1e-6, rtol=1e-4)
