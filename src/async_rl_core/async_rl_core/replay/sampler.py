"""Samplers: they choose the transitions of a mini-batch."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

_EPSILON = 1e-6
"""Added to TD errors, so that a transition whose error is 0 is still drawn."""


class Sampler(Protocol):
    """Draws transitions by their numbers."""

    def sample(self, count: int, first: int, end: int) -> tuple[NDArray[np.int64], NDArray[np.float32] | float]:
        """Returns numbers (count,) in [first, end), the stored transitions, and their importance weights."""

    def reprioritise(self, numbers: NDArray[np.int64], td_error: NDArray[np.float32]) -> None:
        """Takes the TD errors (B,) of drawn transitions, of which the store may have forgotten some."""


class UniformSampler:
    """Draws every stored transition with equal probability, with replacement."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def sample(self, count: int, first: int, end: int) -> tuple[NDArray[np.int64], float]:
        """See `Sampler`."""
        return self._rng.integers(first, end, count, dtype=np.int64), 1.0

    def reprioritise(self, numbers: NDArray[np.int64], td_error: NDArray[np.float32]) -> None:
        """Ignores the errors."""


class SumTree:
    """Non-negative weights of `size` items, with their sums in a binary tree: set and drawn in O(log size).

    All items of a call pass a level together, so that a level costs one NumPy call.
    """

    def __init__(self, size: int) -> None:
        depth = max(1, (size - 1).bit_length())
        self._first_leaf = 1 << depth
        self._depth = depth
        self._sums = np.zeros(2 * self._first_leaf)

    @property
    def total(self) -> float:
        """Sum of all weights."""
        return float(self._sums[1])

    def __getitem__(self, items: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns the weights (n,) of the items (n,)."""
        weights: NDArray[np.float64] = self._sums[self._first_leaf + items]
        return weights

    def __setitem__(self, items: NDArray[np.int64], weights: NDArray[np.float64] | float) -> None:
        """Sets the weights of the items (n,); sums are recomputed from the leaves, so that rounding does not add up."""
        nodes = self._first_leaf + items
        self._sums[nodes] = weights
        for _ in range(self._depth):
            nodes = nodes >> 1
            self._sums[nodes] = self._sums[2 * nodes] + self._sums[2 * nodes + 1]

    def find(self, at: NDArray[np.float64]) -> NDArray[np.int64]:
        """Returns the items (n,) at the points (n,) of [0, total) along the weights laid end to end; never one of 0."""
        nodes, rest = np.ones(len(at), np.int64), at
        for _ in range(self._depth):
            left = self._sums[2 * nodes]
            right = (rest >= left) & (self._sums[2 * nodes + 1] > 0)
            rest = np.where(right, rest - left, rest)
            nodes = 2 * nodes + right
        return nodes - self._first_leaf


class PrioritisedSampler:
    """Draws a transition with probability P(i) in proportion to (|TD error| + epsilon)**`priority_exponent`.

    Proportional prioritised replay (Schaul et al., 2016). A new transition has the largest priority so far. Importance
    weights are (N P(i))**-`importance_exponent`, divided by the largest of the mini-batch. As in the paper, one
    transition is drawn from each of B equal shares of the total.
    """

    def __init__(
        self, rng: np.random.Generator, capacity: int, priority_exponent: float, importance_exponent: float
    ) -> None:
        self._rng, self._capacity = rng, capacity
        self._alpha, self._beta = priority_exponent, importance_exponent
        self._tree = SumTree(capacity)
        self._largest = 1.0
        self._first = self._end = 0

    def sample(self, count: int, first: int, end: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """See `Sampler`."""
        self._follow(first, end)
        shares = (np.arange(count) + self._rng.random(count)) / count
        slots = self._tree.find(shares * self._tree.total)
        numbers = first + (slots - first) % self._capacity
        weights = ((end - first) * self._tree[slots] / self._tree.total) ** -self._beta
        return numbers, (weights / weights.max()).astype(np.float32)

    def reprioritise(self, numbers: NDArray[np.int64], td_error: NDArray[np.float32]) -> None:
        """See `Sampler`."""
        held = (numbers >= self._first) & (numbers < self._end) & np.isfinite(td_error)
        priorities = (np.abs(td_error[held].astype(np.float64)) + _EPSILON) ** self._alpha
        self._tree[numbers[held] % self._capacity] = priorities
        self._largest = max(self._largest, priorities.max(initial=0.0))

    def _follow(self, first: int, end: int) -> None:
        """Adds the transitions that the store took since, and drops those that it forgot."""
        forgotten = np.arange(self._first, min(first, self._end))
        self._tree[forgotten % self._capacity] = 0.0
        new = np.arange(max(self._end, first), end)
        self._tree[new % self._capacity] = self._largest
        self._first, self._end = first, end
