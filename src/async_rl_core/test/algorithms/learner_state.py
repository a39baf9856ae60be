"""All that a learner keeps, to compare two of them."""

import torch
from torch import Tensor

from async_rl_core.algorithms.sac.sac import SAC


def everything(sac: SAC) -> dict[str, Tensor]:
    """A copy of all that a learner keeps from one update to the next."""
    state = {"log_alpha": sac.log_alpha}
    for name, network in sac.networks.items():
        state |= {f"{name}.{key}": parameter for key, parameter in network.named_parameters()}
    for name, optimiser in sac.optimisers.items():
        for i, moments in enumerate(optimiser.state.values()):
            state |= {f"{name}.{i}.{key}": moment for key, moment in moments.items()}
    return {name: tensor.detach().clone() for name, tensor in state.items()}


def assert_same(first: dict[str, Tensor], second: dict[str, Tensor]) -> None:
    """The same bits."""
    assert first.keys() == second.keys()
    assert [name for name in first if not torch.equal(first[name], second[name])] == []
