"""Orthogonal initialisation, as in SAC-AE (Yarats et al., 2019), whose networks the papers take over."""

import torch
from torch import Tensor, nn


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Set every linear layer to an orthogonal matrix, every convolution to delta-orthogonal, every bias to zero."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            nn.init.orthogonal_(layer.weight, generator=generator)
            nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.Conv2d):
            delta_orthogonal_(layer.weight, generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


@torch.no_grad()
def delta_orthogonal_(weight: Tensor, generator: torch.Generator) -> Tensor:
    """Fill a kernel (out, in, k, k) with zeros around an orthogonal centre of gain sqrt(2) (Xiao et al., 2018)."""
    out_channels, in_channels, height, width = weight.shape
    if height != width:
        raise ValueError(f"delta-orthogonal kernels are square, got {height}x{width}")
    centre = weight.new_empty(out_channels, in_channels)
    nn.init.orthogonal_(centre, gain=nn.init.calculate_gain("relu"), generator=generator)
    weight.zero_()
    weight[:, :, height // 2, width // 2] = centre
    return weight
