import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from async_rl_core.algorithms.learner import Learner
from async_rl_core.algorithms.sac import SAC, DivergenceError
from async_rl_core.algorithms.spec import ObservationSpec
from async_rl_core.config.schema import SACConfig
from async_rl_core.replay.batch import Batch

Configs = Callable[..., SACConfig]
Batches = Callable[..., Batch]


class Source:
    """Hands out a batch every other time it is asked."""

    def __init__(self, make_batch: Batches) -> None:
        self.asked = 0
        self.make_batch = make_batch
        self.reward: float | None = None

    def receive(self, timeout: float) -> Batch | None:
        self.asked += 1
        if self.asked % 2:
            return None
        batch = self.make_batch(self.asked)
        batch.header[1] = 10 * self.asked
        if self.reward is not None:
            batch.reward[0] = self.reward
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
def learner(spec: ObservationSpec, sac_config: Configs, source: Source, sink: Sink) -> Learner:
    ticks = itertools.count()
    sac = SAC(sac_config(), spec, 2, seed=0)
    return Learner(sac, source, sink, publish_period=2, metrics_period=3, clock=lambda: 0.01 * next(ticks))


def test_it_publishes_what_it_learned(learner: Learner, sink: Sink) -> None:
    learner.publish()
    for _ in range(8):
        learner.step(timeout=0.0)
    assert [(version, updates) for version, updates, _ in sink.published] == [(1, 0), (2, 2), (3, 4)]
    np.testing.assert_array_equal(sink.published[-1][2], learner.sac.policy_parameters())
    assert not np.array_equal(sink.published[0][2], sink.published[1][2])
    assert learner.env_steps == 80


def test_without_a_batch_only_agents_that_came_late_are_served(learner: Learner, sink: Sink) -> None:
    assert not learner.step(timeout=0.0)
    assert learner.sac.updates == 0 and sink.published == [] and sink.refreshed == 1


def test_metrics_come_with_their_period_and_tell_the_times(learner: Learner) -> None:
    due = [learner.step(timeout=0.0) for _ in range(12)]
    assert [i for i, d in enumerate(due) if d] == [5, 11]
    assert {"critic_loss", "alpha", "wait_p50_ms", "update_p99_ms", "publish_p50_ms"} <= set(learner.metrics)
    assert learner.metrics["update_p50_ms"] == pytest.approx(10.0, rel=0.07)
    assert learner.metrics["updates_per_second"] > 0


def test_a_policy_that_diverged_is_not_published(learner: Learner, source: Source, sink: Sink) -> None:
    source.reward = math.nan
    learner.step(timeout=0.0)
    with pytest.raises(DivergenceError):
        learner.step(timeout=0.0)
    assert sink.published == []
