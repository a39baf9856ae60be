"""Which transitions make up a mini-batch."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Sampler(Protocol):
    """Draws transition numbers."""

    def sample(self, count: int, first: int, end: int) -> tuple[NDArray[np.int64], NDArray[np.float32] | float]:
        """(count,) numbers in [first, end), the transitions that the store holds now, and their importance weights."""

    def reprioritise(self, numbers: NDArray[np.int64], td_error: NDArray[np.float32]) -> None:
        """Take note of the TD errors (B,) of transitions that were drawn; the store may have forgotten some since."""


class UniformSampler:
    """Every stored transition is as likely as every other, with replacement."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def sample(self, count: int, first: int, end: int) -> tuple[NDArray[np.int64], float]:
        """See `Sampler`."""
        return self._rng.integers(first, end, count, dtype=np.int64), 1.0

    def reprioritise(self, numbers: NDArray[np.int64], td_error: NDArray[np.float32]) -> None:
        """Errors change nothing."""
