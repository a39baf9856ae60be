import torch
from torch import nn

from async_rl_core.algorithms.common.adam import Adam, ParameterGroup
from async_rl_core.algorithms.common.flat import flatten


def test_the_vector_and_the_parameters_are_one_memory() -> None:
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


def test_kernels_lie_in_channels_last_order() -> None:
    convolution = nn.Conv2d(3, 4, 3)
    flatten(convolution)
    assert convolution.weight.is_contiguous(memory_format=torch.channels_last)


def test_fused_adam_steps_flattened_kernels_as_plain_ones() -> None:
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
