"""How long the machine itself halted: what no process on it can help.

A virtual machine may be halted by its host at any moment, all cores at once, and does not count that as stolen time.
Beside a promise in milliseconds it has to be known.
"""

import gc
import os
import time
from multiprocessing import get_context
from types import TracebackType
from typing import Any

PRIORITY = 95
"""Above everything that is measured."""
PERIOD = 0.004


class Canary:
    """On each core a process that only sleeps and looks at the clock, in real time; its worst delay is `longest`.

    Attributes:
        longest: seconds; zero where real-time scheduling is not permitted.
    """

    def __enter__(self) -> "Canary":
        context: Any = get_context("spawn")
        cores = sorted(os.sched_getaffinity(0))
        self._worst = context.Array("d", len(cores), lock=False)
        self._processes = [
            context.Process(target=_watch, args=(self._worst, i, core), daemon=True) for i, core in enumerate(cores)
        ]
        for process in self._processes:
            process.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        for process in self._processes:
            process.terminate()
            process.join()

    @property
    def longest(self) -> float:
        """Of all cores."""
        return max(self._worst)


def _watch(worst: Any, index: int, core: int) -> None:
    os.sched_setaffinity(0, {core})
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except PermissionError:
        return
    gc.disable()
    before, parent = time.monotonic(), os.getppid()
    while os.getppid() == parent:  # a campaign that is killed leaves nobody behind
        time.sleep(PERIOD)
        now = time.monotonic()
        worst[index] = max(worst[index], now - before - PERIOD)
        before = now
