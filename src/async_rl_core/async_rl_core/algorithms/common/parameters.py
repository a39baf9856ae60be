"""The parameters of networks: their initial values, and their place in one vector."""

import torch
from torch import Tensor, nn


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Sets every linear layer to an orthogonal matrix, every convolution to delta-orthogonal, every bias to zero.

    SAC-AE (Yarats et al., 2019) initialises so, whose networks the papers take over.
    """
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
    """Fills a kernel (out, in, k, k) with zeros around an orthogonal centre of gain sqrt(2) (Xiao et al., 2018)."""
    out_channels, in_channels, height, width = weight.shape
    if height != width:
        raise ValueError(f"delta-orthogonal kernels are square, got {height}x{width}")
    centre = weight.new_empty(out_channels, in_channels)
    nn.init.orthogonal_(centre, gain=nn.init.calculate_gain("relu"), generator=generator)
    weight.zero_()
    weight[:, :, height // 2, width // 2] = centre
    return weight


@torch.no_grad()
def flatten(*modules: nn.Module) -> Tensor:
    """Moves the modules' parameters into one new float32 vector (n,), of which they are views afterwards.

    The order is that of the modules and of their `parameters()`; a kernel lies in channels_last order, as the
    convolutions want it. Writing the vector writes the parameters, and the reverse: publishing and loading a policy, or
    averaging a target network, is one operation.
    """
    parameters = [parameter for module in modules for parameter in module.parameters()]
    flat = torch.empty(sum(p.numel() for p in parameters), dtype=torch.float32, device=parameters[0].device)
    offset = 0
    for parameter in parameters:
        view = flat[offset : offset + parameter.numel()]
        view = _channels_last(view, parameter.shape) if parameter.dim() == 4 else view.view(parameter.shape)
        view.copy_(parameter)
        parameter.data = view
        offset += parameter.numel()
    return flat


def _channels_last(view: Tensor, shape: torch.Size) -> Tensor:
    out_channels, in_channels, height, width = shape
    return view.view(out_channels, height, width, in_channels).permute(0, 3, 1, 2)
