"""Adam (Kingma and Ba, 2015), by PyTorch's fused function."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim.adam import adam

EPSILON = 1e-8


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters that are stepped alike."""

    parameters: Sequence[Tensor]
    learning_rate: float


class Adam:
    """Steps parameters down their gradients.

    What `torch.optim.Adam(fused=True)` does. That class imports PyTorch's compiler, though it compiles nothing: seven
    seconds of two cores whenever a learner starts.

    Args:
        groups: of parameters.
        skip: (), on the parameters' device; where it is 1, a step leaves everything as it is.
        betas: decay of the moments.
    """

    def __init__(
        self, groups: Sequence[ParameterGroup], skip: Tensor, betas: tuple[float, float] = (0.9, 0.999)
    ) -> None:
        self.groups, self.betas = tuple(group for group in groups if group.parameters), betas
        self.parameters = [parameter for group in groups for parameter in group.parameters]
        self.state = {
            parameter: {
                "step": torch.zeros((), device=parameter.device),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }
            for parameter in self.parameters
        }
        """By parameter, the number of steps () and its moments; there from the start, so a checkpoint finds them."""
        self._skip = skip

    def zero_grad(self) -> None:
        """Clears the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Steps every parameter by its gradient; each has one."""
        for group in self.groups:
            states = [self.state[parameter] for parameter in group.parameters]
            adam(
                list(group.parameters),
                [parameter.grad for parameter in group.parameters],  # type: ignore[misc]
                [state["exp_avg"] for state in states],
                [state["exp_avg_sq"] for state in states],
                [],
                [state["step"] for state in states],
                fused=True,
                found_inf=self._skip,
                capturable=self._skip.is_cuda,
                lr=group.learning_rate,
                beta1=self.betas[0],
                beta2=self.betas[1],
                eps=EPSILON,
                weight_decay=0.0,
                amsgrad=False,
                maximize=False,
            )
