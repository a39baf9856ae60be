"""Halts of the whole machine, which no process on it can prevent.

A virtual machine may be halted by its host at any moment, all cores at once, and does not count that as stolen time.
Beside a promise in milliseconds it has to be known.
"""

import gc
import os
import time
from multiprocessing import get_context
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

PRIORITY = 95
"""Above the priority of everything that is measured."""
PERIOD = 0.004
RESOLUTION = 1e-4
"""Bin width of the histogram of halts, in seconds."""
BINS = 5000


class HaltMonitor:
    """Measures halts by a real-time process per core that only sleeps and reads the clock.

    Where real-time scheduling is not permitted it sees no halts.
    """

    def __enter__(self) -> "HaltMonitor":
        context: Any = get_context("spawn")
        cores = sorted(os.sched_getaffinity(0))
        self._start = time.monotonic()
        self._counts = [context.Array("d", BINS, lock=False) for _ in cores]
        self._processes = [
            context.Process(target=_watch, args=(counts, core), daemon=True)
            for counts, core in zip(self._counts, cores, strict=True)
        ]
        for process in self._processes:
            process.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._seconds = time.monotonic() - self._start
        for process in self._processes:
            process.terminate()
            process.join()

    @property
    def longest(self) -> float:
        """Longest halt of all cores, in seconds."""
        return max(RESOLUTION * int(max(np.flatnonzero(counts), default=0)) for counts in self._counts)

    def lateness(self, percent: float) -> float:
        """Returns the lateness in s that halts alone cause at a percentile, on the worst core, after the end.

        A halt of h seconds makes deadlines late by more than x in its first h - x.
        """
        return max(_lateness(np.array(counts), self._seconds, 1 - percent / 100) for counts in self._counts)


def _lateness(counts: NDArray[np.float64], seconds: float, share: float) -> float:
    halts = RESOLUTION * np.arange(BINS)
    late = np.array([counts @ np.maximum(0.0, halts - x) for x in halts]) / seconds
    return float(halts[np.argmax(late <= share)])


def _watch(counts: Any, core: int) -> None:
    os.sched_setaffinity(0, {core})
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except PermissionError:
        return
    gc.disable()
    before, parent = time.monotonic(), os.getppid()
    while os.getppid() == parent:  # ends with the campaign, even if that is killed
        time.sleep(PERIOD)
        now = time.monotonic()
        counts[min(BINS - 1, int((now - before - PERIOD) / RESOLUTION))] += 1
        before = now
