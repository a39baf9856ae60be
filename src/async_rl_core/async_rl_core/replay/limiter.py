"""The rate limiter: mini-batches per environment step."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

DEFAULT_BURST = 250
"""Steps, 10 s at 40 ms: a learner uses the pause of a reset, and does not overfit after a long one."""

STANDSTILL = 10.0
"""Seconds without a new step after which no mini-batch is served; the longest reset of the presets takes 3 s."""

_ROUNDING = 1e-9


@dataclass
class RateLimiter:
    """Credit of `max_samples_per_insert` mini-batches per environment step, from step number `min_size` on.

    A mini-batch may be served when at least one whole mini-batch is on credit, and uses it up. After n steps, at most
    max_samples_per_insert * max(0, n - min_size + 1) were served: with 1 per step and a minimum of 1000, the first at
    step 1000, the second at step 1001. Unused credit is kept for the last `burst` steps only, so that a learner that
    was away does not catch up in a burst. Nothing is served without a new step for `standstill` seconds, so that the
    learner does not overfit while the arm rests. (Reverb's SampleToInsertRatio bounds inserts too; here they happen in
    real time, so only samples wait.)
    """

    min_size: int
    """Environment steps before the first mini-batch."""
    max_samples_per_insert: float
    burst: int = DEFAULT_BURST
    """Most steps whose credit is kept; credit for one whole mini-batch always is."""
    standstill: float = STANDSTILL
    """Seconds without a new step after which nothing is served."""
    clock: Callable[[], float] = field(default=time.monotonic, compare=False, repr=False)
    inserted: int = field(default=0, init=False)
    served: int = field(default=0, init=False)
    credit: float = field(default=0.0, init=False)
    """Mini-batches that may be served now."""
    _newest: float = field(default=-math.inf, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Checks the settings."""
        if self.min_size < 0 or self.max_samples_per_insert <= 0 or self.burst < 1:
            raise ValueError(f"{self}: min_size must be >= 0, max_samples_per_insert > 0, burst >= 1")

    def insert(self, steps: int = 1) -> None:
        """Adds the credit of environment steps that were inserted."""
        self._newest = self.clock()
        counting = min(steps, max(0, self.inserted + steps - self.min_size + 1))
        self.inserted += steps
        limit = max(1.0, self.burst * self.max_samples_per_insert)
        self.credit = min(limit, self.credit + counting * self.max_samples_per_insert)

    def restore(self, inserted: int, served: int) -> None:
        """Continues the counts of an earlier process, without credit: its learner may have used it all."""
        self.inserted, self.served, self.credit = inserted, served, 0.0

    def permits(self) -> bool:
        """Returns whether a mini-batch may be served now."""
        return self.credit >= 1.0 - _ROUNDING and not self.stands

    @property
    def stands(self) -> bool:
        """Whether no step was inserted for `standstill` seconds."""
        return self.clock() - self._newest > self.standstill

    def serve(self) -> None:
        """Uses up the credit of a mini-batch that is served. Raises `ValueError` where none is permitted."""
        if not self.permits():
            raise ValueError("a mini-batch was served that the rate limiter did not permit")
        self.served += 1
        self.credit = max(0.0, self.credit - 1.0)
