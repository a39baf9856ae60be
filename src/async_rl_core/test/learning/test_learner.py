import itertools
import math
from collections import deque
from collections.abc import Callable
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from async_rl_core.algorithms.base import DivergenceError
from async_rl_core.algorithms.sac.sac import SAC
from async_rl_core.learning.learner import Learner
from async_rl_core.spec.batch import Batch
from async_rl_core.spec.observation import ObservationSpec

from ..algorithms.small import Small

Batches = Callable[..., Batch]


class Source:
    """Hands out a batch every other time it is asked."""

    def __init__(self, make_batch: Batches) -> None:
        self.asked = 0
        self.make_batch = make_batch
        self.reward: float | None = None
        self.spoil: Callable[[Batch], None] | None = None
        self.told: list[tuple[NDArray[np.uint64], NDArray[np.float32]]] = []

    def reprioritise(self, index: NDArray[np.uint64], td_error: NDArray[np.float32]) -> None:
        self.told.append((index.copy(), td_error.copy()))

    def receive(self, timeout: float) -> Batch | None:
        self.asked += 1
        if self.asked % 2:
            return None
        batch = self.make_batch(self.asked)
        batch.header[1] = 10 * self.asked
        batch.index[:] = self.asked
        if self.reward is not None:
            batch.reward[0] = self.reward
        if self.spoil is not None:
            self.spoil(batch)
        return batch


class Sink:
    """Keeps what was published."""

    def __init__(self) -> None:
        self.published: list[tuple[int, int, NDArray[np.float32]]] = []
        self.refreshed = 0

    def publish(self, version: int, updates: int, values: NDArray[np.float32]) -> None:
        self.published.append((version, updates, values.copy()))

    def refresh(self) -> None:
        self.refreshed += 1


@pytest.fixture
def source(make_batch: Batches) -> Source:
    return Source(make_batch)


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def learner(spec: ObservationSpec, small: Small, source: Source, sink: Sink) -> Learner:
    ticks = itertools.count()
    sac = small.sac(seed=0)
    return Learner(sac, source, sink, publish_period=2, metrics_period=3, clock=lambda: 0.01 * next(ticks))


@pytest.mark.parametrize("prioritised", [False, True])
def test_learner_with_prioritised_replay_passes_on_td_errors(
    spec: ObservationSpec, small: Small, source: Source, sink: Sink, prioritised: bool
) -> None:
    sac, errors = small.sac(seed=0), []
    learner = Learner(sac, source, sink, publish_period=2, metrics_period=3, prioritised=prioritised)
    for asked in range(1, 7):
        learner.step(timeout=0.0)
        if prioritised and asked % 2 == 0:
            errors.append((asked, sac.td_error.tolist()))
    assert [(int(index[0]), error.tolist()) for index, error in source.told] == errors


def test_learner_publishes_its_policy(learner: Learner, sink: Sink) -> None:
    learner.publish()
    for _ in range(8):
        learner.step(timeout=0.0)
    assert [(version, updates) for version, updates, _ in sink.published] == [(1, 0), (2, 2), (3, 4)]
    np.testing.assert_array_equal(sink.published[-1][2], learner.algorithm.policy_parameters())
    assert not np.array_equal(sink.published[0][2], sink.published[1][2])
    assert learner.env_steps == 80


def test_learner_without_a_batch_only_refreshes_subscribers(learner: Learner, sink: Sink) -> None:
    assert not learner.step(timeout=0.0)
    assert learner.algorithm.updates == 0 and sink.published == [] and sink.refreshed == 1


def test_learner_reports_metrics_and_times_in_their_period(learner: Learner) -> None:
    due = [learner.step(timeout=0.0) for _ in range(12)]
    assert [i for i, d in enumerate(due) if d] == [5, 11]
    assert {"critic_loss", "alpha", "wait_p50_ms", "update_p99_ms", "publish_p50_ms"} <= set(learner.metrics)
    assert learner.metrics["update_p50_ms"] == pytest.approx(10.0, rel=0.07)
    assert learner.metrics["updates_per_second"] > 0


def test_learner_with_a_diverged_policy_does_not_publish(learner: Learner, source: Source, sink: Sink) -> None:
    source.reward = 1e30
    learner.step(timeout=0.0)
    with pytest.raises(DivergenceError):
        learner.step(timeout=0.0)
    assert sink.published == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["reward", "action", "next_state"])
def test_learner_batch_that_is_not_finite_is_skipped_and_counted(
    learner: Learner, source: Source, value: float, name: str
) -> None:
    source.spoil = lambda batch: getattr(batch, name).reshape(-1).__setitem__(0, value)
    before = learner.algorithm.policy_parameters().copy()
    for _ in range(4):
        assert not learner.step(timeout=0.0)
    assert (learner.algorithm.updates, learner.refused) == (0, 2)
    np.testing.assert_array_equal(learner.algorithm.policy_parameters(), before)
    source.spoil = None
    for _ in range(2):
        learner.step(timeout=0.0)
    assert (learner.algorithm.updates, learner.refused) == (1, 2)


HAND_OVER, PUBLISH = 0.0002, 0.0004
"""Seconds that a batch takes from replay to the learner, and a policy to publish."""


class SimulatedClock:
    """Time that passes only where somebody works."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class SimulatedReplay:
    """Samples one batch after the other, each from when it was asked for: `ahead` of them while the learner works."""

    def __init__(self, clock: SimulatedClock, seconds: float, ahead: int, batch: Batch) -> None:
        self.clock, self.seconds, self.ahead, self.batch = clock, seconds, ahead, batch
        self.limited = False
        self.free_at = 0.0
        self.pending: deque[tuple[float, float]] = deque()

    def request(self) -> None:
        began = max(self.clock.now, self.free_at)
        self.free_at = began + self.seconds
        self.pending.append((began, self.free_at))

    def receive(self, timeout: float) -> Batch:
        if not self.pending:
            self.request()
        began, ended = self.pending.popleft()
        self.clock.now = max(self.clock.now, ended) + HAND_OVER
        while len(self.pending) < self.ahead:
            self.request()
        self.batch.sampling[:] = began, ended, self.limited
        return self.batch


class SimulatedSAC:
    """Updates that take a time and do nothing."""

    def __init__(self, clock: SimulatedClock, seconds: float) -> None:
        self.clock, self.seconds = clock, seconds
        self.updates = 0

    def update(self, batch: Batch, report: bool) -> dict[str, float]:
        self.updates += 1
        self.clock.now += self.seconds
        return {}

    def policy_parameters(self) -> NDArray[np.float32]:
        self.clock.now += PUBLISH
        return np.zeros(1, np.float32)


def simulated(sample: float, update: float, ahead: int, batch: Batch) -> tuple[Learner, SimulatedReplay]:
    clock = SimulatedClock()
    replay = SimulatedReplay(clock, sample, ahead, batch)
    sac = cast(SAC, SimulatedSAC(clock, update))
    return Learner(sac, replay, Sink(), publish_period=1, metrics_period=1000, clock=clock), replay


# The papers' three settings, and this suite's first.
COSTS = pytest.mark.parametrize(("sample", "update"), [(0.021, 0.024), (0.044, 0.065), (0.086, 0.068), (0.003, 0.06)])


@COSTS
def test_learner_cycle_with_batches_ahead_is_the_longer_of_sampling_and_update(
    sample: float, update: float, make_batch: Batches
) -> None:
    learner, _ = simulated(sample, update, 1, make_batch())
    for _ in range(50):
        learner.step(timeout=0.1)
    transfer = learner.transferring.percentile(50)
    assert learner.sampling.percentile(50) == pytest.approx(1e3 * sample)
    assert learner.updating.percentile(50) == pytest.approx(1e3 * update)
    assert transfer == pytest.approx(1e3 * HAND_OVER)
    longer = max(1e3 * sample + transfer, 1e3 * update)
    assert longer <= learner.cycle.mean * (1 + 1e-9)
    assert learner.cycle.mean <= 1.05 * longer


@COSTS
def test_learner_cycle_without_batches_ahead_is_the_sum(sample: float, update: float, make_batch: Batches) -> None:
    learner, _ = simulated(sample, update, 0, make_batch())
    for _ in range(50):
        learner.step(timeout=0.1)
    assert learner.waiting.percentile(50) == pytest.approx(1e3 * (sample + HAND_OVER))
    parts = (learner.sampling, learner.transferring, learner.updating, learner.publishing)
    assert learner.cycle.mean == pytest.approx(sum(part.mean for part in parts))


def test_learner_cycle_that_waited_for_a_step_is_not_counted(make_batch: Batches) -> None:
    learner, replay = simulated(0.003, 0.06, 0, make_batch())
    for limited in (False, True, True, False, False):  # the first has none before it
        replay.limited = limited
        replay.clock.now += 1.0 if limited else 0.0
        learner.step(timeout=0.1)
    assert learner.cycle.counts.sum() == 2
    assert learner.cycle.max < 70.0
    assert learner.updating.counts.sum() == 5
