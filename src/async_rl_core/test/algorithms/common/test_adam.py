"""Adam, against the class of PyTorch."""

import subprocess
import sys

import torch
from torch import Tensor

from async_rl_core.algorithms.common.adam import Adam, ParameterGroup

RATES = (0.01, 0.003)
BETAS = (0.5, 0.9)


def parameters() -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(shape, generator=generator, requires_grad=True) for shape in ((3, 4), (5,), ())]


def descend(optimiser: "Adam | torch.optim.Adam", tensors: list[Tensor]) -> None:
    optimiser.zero_grad()
    sum((tensor**4).sum() for tensor in tensors).backward()  # type: ignore[union-attr]
    optimiser.step()


def test_adam_steps_like_pytorchs() -> None:
    ours, theirs = parameters(), parameters()
    adam = Adam([ParameterGroup(ours[:2], RATES[0]), ParameterGroup(ours[2:], RATES[1])], torch.zeros(()), BETAS)
    groups = [{"params": theirs[:2], "lr": RATES[0]}, {"params": theirs[2:], "lr": RATES[1]}]
    reference = torch.optim.Adam(groups, betas=BETAS, fused=True)
    for _ in range(20):
        descend(adam, ours)
        descend(reference, theirs)
    for our, their in zip(ours, theirs, strict=True):
        assert torch.equal(our, their)
        assert all(torch.equal(adam.state[our][name], value) for name, value in reference.state[their].items())


def test_adam_with_skip_set_changes_nothing() -> None:
    tensors, skip = parameters(), torch.zeros(())
    adam = Adam([ParameterGroup(tensors, RATES[0])], skip)
    descend(adam, tensors)
    kept = [tensor.detach().clone() for tensor in (*tensors, *(m for s in adam.state.values() for m in s.values()))]
    skip.fill_(1.0)
    descend(adam, tensors)
    now = [*tensors, *(m for s in adam.state.values() for m in s.values())]
    assert all(torch.equal(before, after) for before, after in zip(kept, now, strict=True))


def test_adam_does_not_import_the_compiler() -> None:
    code = """
import sys, torch
from async_rl_core.algorithms.common.adam import Adam, ParameterGroup
x = torch.ones(2, requires_grad=True)
adam = Adam([ParameterGroup([x], 0.1)], torch.zeros(()))
x.sum().backward()
adam.step()
sys.exit("torch._dynamo" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
