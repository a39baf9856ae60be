"""Which transitions make up a mini-batch."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Sampler(Protocol):
    """Draws transition numbers."""

    def sample(self, count: int, first: int, end: int) -> NDArray[np.int64]:
        """(count,) numbers in [first, end): the transitions that the store holds now."""


class UniformSampler:
    """Every stored transition is as likely as every other, with replacement."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def sample(self, count: int, first: int, end: int) -> NDArray[np.int64]:
        """See `Sampler`."""
        return self._rng.integers(first, end, count, dtype=np.int64)
