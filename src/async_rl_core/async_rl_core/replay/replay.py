"""Replay: the store, the sampler, the rate limiter and the journal of a run."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.schema import Config
from async_rl_core.replay.journal.run_journal import RunJournal, RunJournalReader
from async_rl_core.replay.journal.segment import JournalEntry, JournalPosition
from async_rl_core.replay.limiter import RateLimiter
from async_rl_core.replay.sampler import PrioritisedSampler, Sampler, UniformSampler
from async_rl_core.replay.store import FrameStore
from async_rl_core.spec.batch import Batch
from async_rl_core.spec.crop import Crop
from async_rl_core.spec.sizes import StepSizes
from async_rl_core.spec.step import SINGLE_ACTOR, Step

_STREAM = 1
"""Number of this random stream among those of a run's seed."""


class Replay:
    """Stores the steps of a run and samples mini-batches: in the replay process, or in the agent's with `seq`.

    Raises `ConfigError` where memory does not suffice.
    """

    def __init__(self, config: Config) -> None:
        self.store = FrameStore.from_config(config)
        self.limiter = RateLimiter(config.agent.initial_steps, config.learner.max_updates_per_step)
        self.journal: RunJournal | None = None
        """Writes each step to disk too."""
        self.repeated = 0
        """Steps received again although they, or newer ones, were stored already."""
        self.refused = 0
        """Steps not stored because a value is not finite."""
        self._newest: dict[str, int] = {}
        self._config = config
        self._rng = self._random_numbers()
        self._sampler = _sampler(config, self._rng)
        self._crop = Crop.from_config(config)
        self._last_index = round(config.agent.episode_duration / config.agent.action_cycle_time)

    @property
    def permits(self) -> bool:
        """Whether a mini-batch may be sampled now."""
        return len(self.store) > 0 and self.limiter.permits()

    def durable(self, actor: str = SINGLE_ACTOR) -> int:
        """Returns the sequence number up to which no step of an actor has to be sent again; -1: none.

        With a journal, the end of this process does not lose these steps.
        """
        return self._newest.get(actor, -1) if self.journal is None else self.journal.durable(actor)

    def insert(self, step: Step) -> None:
        """Stores a finite step, unless it or a newer one of its actor was; its arrays must not change any more."""
        if step.sequence <= self._newest.get(step.actor, -1):
            self.repeated += 1
            return
        self._newest[step.actor] = step.sequence
        if not step.is_finite:
            self.refused += 1
            return
        env_steps = self.store.env_steps
        self._store(step)
        self.limiter.insert(self.store.env_steps - env_steps)
        if self.journal is not None:
            position = JournalPosition(step.sequence, step.episode, self.store.env_steps, self.store.batches)
            self.journal.append(step, position)
            self.journal.forget(step.actor, self.store.needed_from(step.actor))

    @property
    def lost(self) -> int:
        """Steps missing before newer ones, apart from the refused."""
        return max(0, self.store.lost_steps - self.refused)

    def open_journal(
        self,
        folder: Path,
        watch: Callable[[Iterator[JournalEntry]], Iterator[JournalEntry]] = iter,
        warn: Callable[[str], object] = lambda line: None,
    ) -> None:
        """Restores the store from the journal in `folder`, and appends to it from now on; call it first.

        `watch` wraps the entries that are read, `warn` is told of damage. Raises `JournalError` where a journal cannot
        be read.
        """
        sizes = StepSizes.from_config(self._config)
        reader = RunJournalReader(folder, sizes)
        self.restore(watch(reader.entries()))
        reader.repair(warn)
        self.refused = sum(report.refused for report in reader.reports.values())
        self._newest = {actor: report.newest for actor, report in reader.reports.items()}
        self.journal = RunJournal(folder, sizes, self._config.replay.sync_period, self._newest.copy())

    def restore(self, entries: Iterable[JournalEntry]) -> None:
        """Stores the steps of an earlier process; call it first.

        Counts continue, but without credit, so that no burst of updates follows. The random numbers depend on the seed
        and the number of steps, so that no earlier mini-batch is drawn again. The prioritised sampler starts with
        equal priorities.
        """
        position = None
        for entry in entries:
            self._store(entry.step)
            self._newest[entry.step.actor] = entry.step.sequence
            position = entry.position
        if position is None:
            return
        self.store.env_steps, self.store.batches = position.env_steps, position.batches
        self.limiter.restore(position.env_steps, position.batches)
        self._rng.bit_generator.state = self._random_numbers().bit_generator.state

    def sample_into(self, batch: Batch) -> None:
        """Fills `batch` with a random mini-batch. Raises `ValueError` unless `permits`."""
        self.limiter.serve()
        self.store.sample_into(batch, self._sampler, self._crop, self._rng)

    def reprioritise(self, index: NDArray[np.uint64], td_error: NDArray[np.float32]) -> None:
        """Takes the TD errors (B,) of the transitions `index` (B,) of a batch."""
        self._sampler.reprioritise(index.astype(np.int64), td_error)

    def close(self) -> None:
        """Completes the journal."""
        if self.journal is not None:
            self.journal.close()

    def _store(self, step: Step) -> None:
        """Inserts a step; the last one of an episode as `replay.time_limit` says."""
        rule = self._config.replay.time_limit if step.index == self._last_index else "bootstrap"
        if rule == "terminal":
            step = replace(step, terminal=True)
        self.store.insert(step, transition=rule != "drop")

    def _random_numbers(self) -> np.random.Generator:
        return np.random.default_rng([self._config.seed, _STREAM, self.store.env_steps])


def _sampler(config: Config, rng: np.random.Generator) -> Sampler:
    """Returns the sampler that the configuration names."""
    replay = config.replay
    if replay.sampler == "uniform":
        return UniformSampler(rng)
    return PrioritisedSampler(rng, replay.capacity, replay.priority_exponent, replay.importance_exponent)
