"""What takes long, beside the subscriptions."""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable

LONGEST = 120.0
"""Seconds that the end of the process waits for jobs whose results are to be kept."""
_LOOK_PERIOD = 0.05


class BackgroundWorker:
    """Does one job after the other in a thread of its own; failures are collected, never raised.

    A job that fails again and again, as on a full disk, is told of once until it succeeds.
    """

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[str, Callable[[], object]] | None] = queue.SimpleQueue()
        self._failures: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._failing: set[str] = set()
        self._names: deque[tuple[str, bool]] = deque()  # of the jobs under way and waiting; whether they are kept
        # A daemon: a drawing that takes too long must not keep the process when the run has ended.
        self._thread = threading.Thread(target=self._work, name="monitor worker", daemon=True)
        self._thread.start()

    @property
    def idle(self) -> bool:
        """Nothing is under way or waiting."""
        return not self._names

    def submit(self, name: str, job: Callable[[], object], keep: bool = False) -> None:
        """Queue a job; `name` is what its failure is called. With `keep`, the end of the process waits for it."""
        self._names.append((name, keep))
        self._jobs.put((name, job))

    def failures(self) -> list[str]:
        """One line for each job that failed since the last call."""
        return [self._failures.get() for _ in range(self._failures.qsize())]

    def close(self, timeout: float, longest: float = LONGEST) -> list[str]:
        """Wait at most `timeout` seconds for what is queued, `longest` for what is to be kept; the last failures."""
        self._jobs.put(None)
        began = time.monotonic()
        while self._thread.is_alive():
            keeps = any(keep for _, keep in [*self._names])
            if time.monotonic() - began >= (longest if keeps else timeout):
                break
            self._thread.join(_LOOK_PERIOD)
        unfinished = [f"warning: {name} was not finished in time" for name, _ in [*self._names][:1]]
        return self.failures() + unfinished

    def _work(self) -> None:
        while (item := self._jobs.get()) is not None:
            name, job = item
            try:
                job()
                self._failing.discard(name)
            except Exception as error:  # whatever it was, the run goes on and a person reads of it
                if name not in self._failing:
                    self._failing.add(name)
                    self._failures.put(f"warning: {name} failed: {error}")
            self._names.popleft()
