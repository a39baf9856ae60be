"""A thread for slow jobs, so that subscriptions are served meanwhile."""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable

LONGEST = 120.0
"""Seconds that `close` waits at most for jobs submitted with `keep`."""
_LOOK_PERIOD = 0.05


class BackgroundWorker:
    """Runs jobs one after another in its own thread; collects failures and never raises them.

    A job that fails repeatedly, as on a full disk, is reported once until it succeeds.
    """

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[str, Callable[[], object]] | None] = queue.SimpleQueue()
        self._failures: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._failing: set[str] = set()
        self._names: deque[tuple[str, bool]] = deque()  # jobs running and queued, and whether `close` waits for them
        # A daemon thread, so that a slow drawing does not keep the process alive after the run.
        self._thread = threading.Thread(target=self._work, name="monitor worker", daemon=True)
        self._thread.start()

    @property
    def idle(self) -> bool:
        """True if no job runs or waits."""
        return not self._names

    def submit(self, name: str, job: Callable[[], object], keep: bool = False) -> None:
        """Queues a job; `name` appears in a failure. With `keep`, `close` waits for it."""
        self._names.append((name, keep))
        self._jobs.put((name, job))

    def failures(self) -> list[str]:
        """Returns one line for each job that failed since the last call."""
        return [self._failures.get() for _ in range(self._failures.qsize())]

    def close(self, timeout: float, longest: float = LONGEST) -> list[str]:
        """Waits `timeout` seconds for queued jobs, `longest` for those with `keep`; returns the last failures."""
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
            except Exception as error:  # the run continues; the failure is reported
                if name not in self._failing:
                    self._failing.add(name)
                    self._failures.put(f"warning: {name} failed: {error}")
            self._names.popleft()
