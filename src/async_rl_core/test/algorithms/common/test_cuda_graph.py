"""CUDA graphs of updates. test_sac.py tests on the CPU that an update may be recorded."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from async_rl_core.algorithms.base import DivergenceError
from async_rl_core.algorithms.common.cuda_graph import CudaRecorder
from async_rl_core.spec.batch import Batch
from async_rl_core.spec.observation import ObservationSpec

from ..small import Small

Batches = Callable[..., Batch]

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device")


def test_cuda_replay_draws_new_random_numbers() -> None:
    device, values = torch.device("cuda"), torch.zeros(4, device="cuda")
    generator = torch.Generator(device)

    def draw() -> None:
        values.normal_(generator=generator)

    replay = CudaRecorder(device, generator).record(draw)
    generator.manual_seed(7)
    drawn = []
    for _ in range(2):
        replay()
        drawn.append(values.clone())
    generator.manual_seed(7)
    expected = [torch.empty(4, device="cuda").normal_(generator=generator) for _ in range(2)]
    torch.testing.assert_close(torch.stack(drawn), torch.stack(expected))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_cuda_recorded_update_equals_the_eager_one(
    spec: ObservationSpec, small: Small, make_batch: Batches, precision: str
) -> None:
    recorded, eager = (small.sac(precision=precision, seed=0, device="cuda") for _ in range(2))
    eager.steps = {turn: lambda turn=turn: eager.step(*turn) for turn in eager.steps}
    for i in range(6):
        first, second = recorded.update(make_batch(i)), eager.update(make_batch(i))
        assert first == pytest.approx(second, rel=1e-2, abs=1e-3)
    np.testing.assert_allclose(recorded.policy_parameters(), eager.policy_parameters(), atol=2e-3)


def test_sac_on_gpu_learns_the_same_as_on_cpu(spec: ObservationSpec, small: Small, make_batch: Batches) -> None:
    """As far as their different noise allows: the critic's loss does not see it where nothing follows."""
    losses = []
    for device in ("cpu", "cuda"):
        sac, batch = small.sac(seed=0, device=device), make_batch()
        batch.bootstrap[:] = 0
        losses.append([sac.update(batch)["critic_loss"] for _ in range(5)])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-2)


def test_policy_parameters_after_divergence_on_gpu_raises(
    spec: ObservationSpec, small: Small, make_batch: Batches
) -> None:
    sac, batch = small.sac(seed=0, device="cuda"), make_batch()
    before = sac.policy_parameters().copy()
    batch.reward[0] = np.nan
    sac.update(batch, report=False)
    with pytest.raises(DivergenceError, match="a loss was not finite"):
        sac.policy_parameters()
    np.testing.assert_array_equal(sac.policy.cpu().numpy(), before)
