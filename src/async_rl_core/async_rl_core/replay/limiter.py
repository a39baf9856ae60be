"""How many mini-batches the experience gathered so far allows."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

DEFAULT_BURST = 250
"""Steps, 10 s at 40 ms: enough for a learner to use a reset's pause, too few to overfit after a long one."""

STANDSTILL = 10.0
"""Seconds without a new step after which no mini-batch is served: the longest reset of the presets takes 3 s."""

_ROUNDING = 1e-9


@dataclass
class RateLimiter:
    """Credit of `max_samples_per_insert` mini-batches per environment step, from step number `min_size` on.

    A mini-batch may be served when at least one whole mini-batch is on credit, and takes it. So after n steps never
    more than max_samples_per_insert * max(0, n - min_size + 1) were served in all: with 1 per step and a minimum of
    1000, the first at step 1000, the second at step 1001. Credit that nobody uses is kept for the last `burst` steps
    only: a learner that was away for long does not make up for it in one go. Nothing is served while no step has come
    for `standstill` seconds: a learner does not go on with what it has where the arm stands. (Reverb's
    SampleToInsertRatio bounds the inserts too; here they are real time, so only samples wait.)
    """

    min_size: int
    """Environment steps before the first mini-batch."""
    max_samples_per_insert: float
    burst: int = DEFAULT_BURST
    """Steps whose credit is kept at most; at least one whole mini-batch is."""
    standstill: float = STANDSTILL
    """Seconds without a new step after which nothing is served."""
    clock: Callable[[], float] = field(default=time.monotonic, compare=False, repr=False)
    inserted: int = field(default=0, init=False)
    served: int = field(default=0, init=False)
    credit: float = field(default=0.0, init=False)
    """Mini-batches that may be served now."""
    _newest: float = field(default=-math.inf, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse what would never serve."""
        if self.min_size < 0 or self.max_samples_per_insert <= 0 or self.burst < 1:
            raise ValueError(f"{self}: min_size must be >= 0, max_samples_per_insert > 0, burst >= 1")

    def insert(self, steps: int = 1) -> None:
        """Note that environment steps were inserted."""
        self._newest = self.clock()
        counting = min(steps, max(0, self.inserted + steps - self.min_size + 1))
        self.inserted += steps
        limit = max(1.0, self.burst * self.max_samples_per_insert)
        self.credit = min(limit, self.credit + counting * self.max_samples_per_insert)

    def restore(self, inserted: int, served: int) -> None:
        """Go on from the counts of an earlier process, without credit: its learner may have used it all."""
        self.inserted, self.served, self.credit = inserted, served, 0.0

    def permits(self) -> bool:
        """Whether a mini-batch may be served now."""
        return self.credit >= 1.0 - _ROUNDING and not self.stands

    @property
    def stands(self) -> bool:
        """Whether no step has come for long."""
        return self.clock() - self._newest > self.standstill

    def serve(self) -> None:
        """Note that a mini-batch was served. Raises `ValueError` where none was permitted."""
        if not self.permits():
            raise ValueError("a mini-batch was served that the rate limiter did not permit")
        self.served += 1
        self.credit = max(0.0, self.credit - 1.0)
