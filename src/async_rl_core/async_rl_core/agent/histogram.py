"""Distributions of latencies, at constant cost per sample."""

import numpy as np
from numpy.typing import NDArray

BINS_PER_DECADE = 40


class Histogram:
    """Counts in logarithmic bins from 10 microseconds to 10 s, in milliseconds; a percentile is right to 6%.

    Negative samples (a command before its deadline) count in the first bin.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.edges: NDArray[np.float64] = np.logspace(-2, 4, 6 * BINS_PER_DECADE + 1)
        self.counts: NDArray[np.uint64] = np.zeros(len(self.edges) + 1, np.uint64)
        self.max = 0.0

    def add(self, milliseconds: float) -> None:
        """Count one sample."""
        self.counts[np.searchsorted(self.edges, milliseconds)] += 1
        self.max = max(self.max, milliseconds)

    def percentile(self, percent: float) -> float:
        """Upper edge of the bin that holds this percentile, at most the maximum; 0 without a sample."""
        total = int(self.counts.sum())
        if total == 0:
            return 0.0
        bin_ = int(np.searchsorted(np.cumsum(self.counts), percent / 100 * total))
        return min(float(self.edges[min(bin_, len(self.edges) - 1)]), self.max)
