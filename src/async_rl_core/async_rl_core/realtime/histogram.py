"""Distributions of latencies, at constant cost per sample."""

from copy import deepcopy

import numpy as np
from numpy.typing import NDArray

BINS_PER_DECADE = 40


class Histogram:
    """Counts in logarithmic bins from 10 microseconds to 10 s, in milliseconds.

    A percentile is right to 6%, and much better where samples lie close together: it is the mean of those in its bin.
    Negative samples (a command before its deadline) count in the first bin.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.edges: NDArray[np.float64] = np.logspace(-2, 4, 6 * BINS_PER_DECADE + 1)
        self.counts: NDArray[np.uint64] = np.zeros(len(self.edges) + 1, np.uint64)
        self.max = 0.0
        self._sums: NDArray[np.float64] = np.zeros(len(self.counts))

    def add(self, milliseconds: float) -> None:
        """Count one sample."""
        bin_ = np.searchsorted(self.edges, milliseconds)
        self.counts[bin_] += 1
        self._sums[bin_] += milliseconds
        self.max = max(self.max, milliseconds)

    @property
    def mean(self) -> float:
        """Mean of all samples; 0 without one."""
        return float(self._sums.sum() / max(1, self.counts.sum()))

    def percentile(self, percent: float, since: "Histogram | None" = None) -> float:
        """Mean of the samples in the bin that holds this percentile; 0 without a sample.

        `since`: an earlier `copy`, to look only at the samples that came after it.
        """
        counts = self.counts - (since.counts if since else 0)
        sums = self._sums - (since._sums if since else 0)
        total = int(counts.sum())
        if total == 0:
            return 0.0
        bin_ = int(np.searchsorted(np.cumsum(counts), percent / 100 * total))
        return float(sums[bin_] / counts[bin_])

    def copy(self) -> "Histogram":
        """The histogram as it is now."""
        return deepcopy(self)
