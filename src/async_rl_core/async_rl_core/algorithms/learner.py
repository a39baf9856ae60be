"""The learner's loop without its process: mini-batch in, update, parameters out."""

import time
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from async_rl_core.agent.histogram import Histogram
from async_rl_core.algorithms.sac import SAC
from async_rl_core.replay.batch import Batch


class BatchSource(Protocol):
    """Where mini-batches come from."""

    def receive(self, timeout: float) -> Batch | None:
        """Return the next batch, or None where none came within `timeout` seconds."""


class ParameterSink(Protocol):
    """Where policies go."""

    def publish(self, version: int, updates: int, values: NDArray[np.float32]) -> None:
        """Make a policy the newest."""

    def refresh(self) -> None:
        """Hand the newest to an agent that came since."""


class Learner:
    """Waits for a batch, updates, publishes; and knows how long each takes.

    The source decides how many updates the data allow; the loop itself never idles. With batches requested ahead the
    wait is short (Async-SAC-2), without it is the whole sampling (Async-SAC-1).
    """

    def __init__(
        self,
        sac: SAC,
        batches: BatchSource,
        parameters: ParameterSink,
        publish_period: int,
        metrics_period: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sac = sac
        self.env_steps = 0
        self.version = 0
        self.metrics: dict[str, float] = {}
        """Of the last update that was measured."""
        self._batches = batches
        self._parameters = parameters
        self._publish_period = publish_period
        self._metrics_period = metrics_period
        self._clock = clock
        self._started = self._idle_since = clock()
        self.waiting, self.updating, self.publishing = (Histogram(name) for name in ("wait", "update", "publish"))

    def publish(self) -> None:
        """Hand out the policy as it is. Raises `DivergenceError` rather than hand out what is not finite."""
        self.version += 1
        self._parameters.publish(self.version, self.sac.updates, self.sac.policy_parameters())

    def step(self, timeout: float) -> bool:
        """Do one update if a batch comes within `timeout` seconds; return whether metrics are due."""
        batch = self._batches.receive(timeout)
        if batch is None:
            self._parameters.refresh()
            return False
        received = self._clock()
        self.env_steps = batch.env_steps
        due = (self.sac.updates + 1) % self._metrics_period == 0
        metrics = self.sac.update(batch, report=due)
        updated = self._clock()
        if self.sac.updates % self._publish_period == 0:
            self.publish()
            self.publishing.add(1e3 * (self._clock() - updated))
        self.waiting.add(1e3 * (received - self._idle_since))
        self.updating.add(1e3 * (updated - received))
        self._idle_since = self._clock()
        if due:
            self.metrics = metrics | self.times()
        return due

    def times(self) -> dict[str, float]:
        """Return medians and 99th percentiles in ms, and the rate of updates, since this was last asked."""
        values = {}
        for part in (self.waiting, self.updating, self.publishing):
            values[f"{part.name}_p50_ms"] = part.percentile(50)
            values[f"{part.name}_p99_ms"] = part.percentile(99)
        now = self._clock()
        count = float(self.updating.counts.sum())
        values["updates_per_second"] = count / max(now - self._started, 1e-9)
        self._started = now
        self.waiting, self.updating, self.publishing = (Histogram(name) for name in ("wait", "update", "publish"))
        return values
