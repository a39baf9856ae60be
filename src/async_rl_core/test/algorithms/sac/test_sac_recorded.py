"""Updates that are recorded, and updates that must not happen: what holds whether or not a device is waited for."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor

from async_rl_core.algorithms.base import DivergenceError
from async_rl_core.algorithms.sac.sac import SAC
from async_rl_core.spec.batch import Batch
from async_rl_core.spec.observation import ObservationSpec

from ..learner_state import assert_same, everything
from ..small import Small

Batches = Callable[..., Batch]


@pytest.mark.parametrize("reward", [math.nan, math.inf])
def test_update_with_a_reward_that_is_not_finite_raises_and_changes_nothing(
    spec: ObservationSpec, small: Small, make_batch: Batches, reward: float
) -> None:
    sac = small.sac(seed=0)
    for i in range(2):
        sac.update(make_batch(i))
    batch, before = make_batch(), everything(sac)
    batch.reward[3] = reward
    with pytest.raises(
        DivergenceError, match=r"a loss was not finite by update 2 \(critic loss (nan|inf), .* to (nan|inf)"
    ):
        sac.update(batch)
    assert_same(everything(sac), before)


def test_step_after_a_loss_that_is_not_finite_changes_nothing(
    spec: ObservationSpec, small: Small, make_batch: Batches
) -> None:
    """As on a GPU, which is not asked after each update."""
    sac = small.sac(seed=0)
    bad = make_batch()
    bad.reward[0] = math.nan
    sac.load(bad)
    sac.step(actor=True, targets=True)
    before = everything(sac)
    sac.load(make_batch(1))
    sac.step(actor=True, targets=True)
    assert_same(everything(sac), before)
    with pytest.raises(DivergenceError, match="a loss was not finite"):
        sac.policy_parameters()


def test_policy_parameters_that_are_not_finite_raise(spec: ObservationSpec, small: Small) -> None:
    sac = small.sac(seed=0)
    with torch.no_grad():
        next(sac.actor.parameters())[0] = math.nan
    with pytest.raises(DivergenceError, match="policy"):
        sac.policy_parameters()


class Replayer:
    """Stands for a recorder of CUDA graphs: it runs what it records first, and replays it by running it again."""

    def __init__(self) -> None:
        self.recorded = self.replayed = 0

    def record(self, body: Callable[[], None]) -> Callable[[], None]:
        for _ in range(3):
            body()
        self.recorded += 1

        def replay() -> None:
            self.replayed += 1
            with waiting_forbidden():
                body()

        return replay


@contextmanager
def waiting_forbidden() -> Iterator[None]:
    """Make everything raise that would wait for a GPU, and thereby break a recording."""

    def refuse(*arguments: object, **keywords: object) -> None:
        raise AssertionError("the host waits for the device in the middle of an update")

    with pytest.MonkeyPatch.context() as patch:
        for name in ("item", "tolist", "cpu", "numpy", "__bool__", "__float__", "__int__", "nonzero"):
            patch.setattr(Tensor, name, refuse)
        yield


@pytest.mark.parametrize(
    "changes", [{}, {"target_update_frequency": 3}, {"precision": "bf16"}, {"encoder_tau": 1.0, "reuse_features": True}]
)
def test_recorded_update_gives_the_same_bits(
    spec: ObservationSpec, small: Small, make_batch: Batches, changes: dict[str, object]
) -> None:
    plain, recorded = (small.sac(**changes, seed=0) for _ in range(2))
    recorder, before = Replayer(), everything(recorded)
    recorded.record(recorder)
    assert_same(everything(recorded), before)
    for i in range(7):
        assert plain.update(make_batch(i)) == recorded.update(make_batch(i))
    assert_same(everything(plain), everything(recorded))
    assert torch.equal(plain.td_error, recorded.td_error)
    assert (recorder.recorded, recorder.replayed) == (4 if "target_update_frequency" in changes else 2, 7)


def test_update_keeps_every_tensor_at_its_address(spec: ObservationSpec, small: Small, make_batch: Batches) -> None:
    def addresses(sac: SAC) -> list[int]:
        b = sac.batch
        moments = [t for o in sac.optimisers.values() for state in o.state.values() for t in state.values()]
        parameters = [p for network in sac.networks.values() for p in network.parameters()]
        inputs = [b.observation, b.next_observation, b.state, b.next_state]
        inputs += [b.action, b.reward, b.bootstrap, b.weight, sac.td_error]
        return [tensor.data_ptr() for tensor in (sac.log_alpha, *parameters, *moments, *inputs)]

    sac = small.sac(seed=0)
    before = addresses(sac)
    for i in range(3):
        sac.update(make_batch(i))
    assert addresses(sac) == before


def test_update_in_bf16_keeps_small_tensors_in_float32(
    spec: ObservationSpec, small: Small, make_batch: Batches
) -> None:
    """Parameters, moments, features, densities, values and losses; and they are near those of float32."""
    full, half = (small.sac(precision=precision, seed=0) for precision in ("fp32", "bf16"))
    assert half.batch.observation.dtype == torch.bfloat16
    outputs: list[Tensor] = []
    for module in (half.encoder, half.critic.Q1, half.actor):
        module.register_forward_hook(
            lambda module, inputs, output: outputs.extend([output] if isinstance(output, Tensor) else output)
        )
    first, second = full.update(make_batch()), half.update(make_batch())
    assert outputs and all(output.dtype == torch.float32 for output in outputs)
    assert all(tensor.dtype == torch.float32 for tensor in everything(half).values())
    for name, value in first.items():
        assert second[name] == pytest.approx(value, rel=0.02, abs=0.005)
