"""Parameters of several modules in one piece of memory."""

import torch
from torch import Tensor, nn


@torch.no_grad()
def flatten(*modules: nn.Module) -> Tensor:
    """Move the modules' parameters into one new float32 vector (n,) that they are views of from now on.

    The order is that of the modules and of their `parameters()`; a kernel lies in channels_last order, as the
    convolutions want it. Writing the vector writes the parameters, and the other way round: publishing and loading a
    policy, or averaging a target network, is one operation.
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
