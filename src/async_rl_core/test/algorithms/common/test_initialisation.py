import pytest
import torch
from torch import nn

from async_rl_core.algorithms.common.encoder import Encoder
from async_rl_core.algorithms.common.initialisation import delta_orthogonal_, initialise
from async_rl_core.algorithms.common.networks import mlp
from async_rl_core.spec.observation import ImageSpec


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


@pytest.mark.parametrize(("out_channels", "in_channels"), [(32, 9), (32, 32), (4, 6)])
def test_kernels_are_orthogonal_at_their_centre_and_zero_around_it(
    generator: torch.Generator, out_channels: int, in_channels: int
) -> None:
    weight = delta_orthogonal_(torch.empty(out_channels, in_channels, 3, 3), generator)
    centre = weight[:, :, 1, 1].clone()
    small = centre.T @ centre if out_channels > in_channels else centre @ centre.T
    torch.testing.assert_close(small, 2.0 * torch.eye(min(out_channels, in_channels)), atol=1e-5, rtol=0)
    weight[:, :, 1, 1] = 0
    assert not weight.any()


def test_a_kernel_that_is_not_square_is_refused(generator: torch.Generator) -> None:
    with pytest.raises(ValueError, match="3x2"):
        delta_orthogonal_(torch.empty(2, 2, 3, 2), generator)


def test_linear_layers_are_orthogonal_and_biases_zero(generator: torch.Generator) -> None:
    network = mlp(12, [16, 16], 4, layer_norm=False)
    initialise(network, generator)
    for layer in network:
        if isinstance(layer, nn.Linear):
            w = layer.weight.detach()
            small = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
            torch.testing.assert_close(small, torch.eye(min(w.shape)), atol=1e-5, rtol=0)
            assert not layer.bias.any()


def test_an_encoder_starts_without_biases(generator: torch.Generator) -> None:
    encoder = Encoder(ImageSpec(30, 40, 9), 8, [2, 1])
    initialise(encoder, generator)
    assert all(not p.any() for name, p in encoder.named_parameters() if name.endswith("bias"))
