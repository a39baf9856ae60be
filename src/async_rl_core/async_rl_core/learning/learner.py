"""The learner's loop: receives a mini-batch, updates, publishes parameters."""

import math
import time
from collections.abc import Callable, Mapping

from async_rl_core.algorithms.base import Algorithm, DivergenceError
from async_rl_core.config.schema import Config
from async_rl_core.realtime.histogram import Histogram
from async_rl_core.spec.batch import Batch
from async_rl_core.transport.batches import BatchSource
from async_rl_core.transport.parameters import ParameterSender


class Learner:
    """Waits for a batch, updates, publishes, and measures the duration of each (see monitoring/components.py).

    The source limits the number of updates per environment step. With batches requested ahead (`async2`) the wait is
    short; without (`async1`) it is as long as the sampling.

    `clock` is in seconds, the same clock with which the source stamps its sampling.
    """

    def __init__(
        self,
        algorithm: Algorithm,
        batches: BatchSource,
        parameters: ParameterSender,
        publish_period: int,
        metrics_period: int,
        prioritised: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.algorithm = algorithm
        self.env_steps = 0
        self.version = 0
        self.refused = 0
        """Mini-batches that were discarded because a value was not finite."""
        self.metrics: dict[str, float] = {}
        """The metrics of the last update that reported."""
        self._batches = batches
        self._parameters = parameters
        self._publish_period = publish_period
        self._metrics_period = metrics_period
        self._prioritised = prioritised
        self._clock = clock
        self._started = self._idle_since = clock()
        self._updated: float | None = None
        self.waiting, self.sampling, self.transferring = map(Histogram, ("wait", "sample", "transfer"))
        self.updating, self.publishing, self.cycle = map(Histogram, ("update", "publish", "update_cycle"))
        self._told = {part.name: part.copy() for part in (self.waiting, *self.components)}

    @classmethod
    def from_config(
        cls,
        config: Config,
        algorithm: Algorithm,
        batches: BatchSource,
        parameters: ParameterSender,
        clock: Callable[[], float] = time.monotonic,
    ) -> "Learner":
        """Returns the learner of a run."""
        periods = config.learner.publish_period, config.learner.metrics_period
        return cls(algorithm, batches, parameters, *periods, config.replay.sampler == "prioritised", clock)

    @property
    def components(self) -> tuple[Histogram, ...]:
        """The durations of the parts of an update, and of its cycle."""
        return (self.sampling, self.transferring, self.updating, self.publishing, self.cycle)

    def publish(self) -> None:
        """Publishes the present policy. Raises `DivergenceError` if it is not finite."""
        self.version += 1
        self._parameters.publish(self.version, self.algorithm.updates, self.algorithm.policy_parameters())

    def step(self, timeout: float) -> bool:
        """Does one update if a batch comes within `timeout` seconds; returns whether there are new metrics."""
        batch = self._batches.receive(timeout)
        if batch is None:
            self._parameters.refresh()
            return False
        received = self._clock()
        self._note_receipt(batch, received)
        if not batch.is_finite:
            self.refused += 1
            return False
        self.env_steps = batch.env_steps
        due = (self.algorithm.updates + 1) % self._metrics_period == 0
        metrics = self.algorithm.update(batch, report=due)
        updated = self._clock()
        self._note_update(received, updated, limited=bool(batch.sampling[2]))
        if self.algorithm.updates % self._publish_period == 0:
            self.publish()
            self.publishing.add(1e3 * (self._clock() - updated))
        if self._prioritised:
            self._batches.reprioritise(batch.index, self.algorithm.td_error.numpy(force=True))
        self._idle_since = self._clock()
        if due:
            self._require_finite(metrics)
            self.metrics = metrics | self.times()
        return due

    def _require_finite(self, metrics: Mapping[str, float]) -> None:
        for name, value in metrics.items():
            if not math.isfinite(value):
                raise DivergenceError(
                    f"algorithm '{self.algorithm.setup.name}' reports {name} = {value} at update "
                    f"{self.algorithm.updates}; learning has diverged: lower its learning rates"
                )

    def _note_receipt(self, batch: Batch, received: float) -> None:
        began, ended, _ = batch.sampling.tolist()
        self.waiting.add(1e3 * (received - self._idle_since))
        self.sampling.add(1e3 * (ended - began))
        # The time that a batch waited for the learner is not part of its transfer.
        self.transferring.add(1e3 * (received - max(ended, self._idle_since)))

    def _note_update(self, received: float, updated: float, limited: bool) -> None:
        self.updating.add(1e3 * (updated - received))
        if self._updated is not None and not limited:
            self.cycle.add(1e3 * (updated - self._updated))
        self._updated = updated

    def times(self) -> dict[str, float]:
        """Returns medians and 99th percentiles in ms, and the rate of updates, since the last call."""
        count = float((self.updating.counts - self._told[self.updating.name].counts).sum())
        values = {}
        for part in (self.waiting, *self.components):
            told = self._told[part.name]
            values[f"{part.name}_p50_ms"] = part.percentile(50, since=told)
            values[f"{part.name}_p99_ms"] = part.percentile(99, since=told)
            self._told[part.name] = part.copy()
        now = self._clock()
        values["updates_per_second"] = count / max(now - self._started, 1e-9)
        self._started = now
        return values
