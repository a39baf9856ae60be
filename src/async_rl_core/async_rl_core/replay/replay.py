"""Replay as one thing: what is stored, what is drawn from it, and how much of it."""

import numpy as np

from async_rl_core.config.schema import Config
from async_rl_core.replay.batch import Batch
from async_rl_core.replay.crop import Crop
from async_rl_core.replay.limiter import RateLimiter
from async_rl_core.replay.sampler import Sampler, UniformSampler
from async_rl_core.replay.step import Step
from async_rl_core.replay.store import FrameStore

_STREAM = 1
"""Number of replay's random stream among those of a run's seed."""


class Replay:
    """A run's store, sampler, crop and rate limiter: in the replay process, or with `seq` in the agent's.

    Raises `ConfigError` where the machine lacks the memory.
    """

    def __init__(self, config: Config) -> None:
        rng = np.random.default_rng([config.seed, _STREAM])
        self.store = FrameStore.of(config)
        self.limiter = RateLimiter(config.agent.initial_steps, config.learner.max_updates_per_step)
        self._sampler: Sampler = UniformSampler(rng)
        self._crop = Crop.of(config)
        self._rng = rng

    @property
    def permits(self) -> bool:
        """Whether a mini-batch may be sampled now."""
        return len(self.store) > 0 and self.limiter.permits()

    def insert(self, step: Step) -> None:
        """Store a step."""
        before = self.store.env_steps
        self.store.insert(step)
        self.limiter.insert(self.store.env_steps - before)

    def sample_into(self, batch: Batch) -> None:
        """Fill `batch`. Raises `ValueError` unless `permits`."""
        self.limiter.serve()
        self.store.sample_into(batch, self._sampler, self._crop, self._rng)
