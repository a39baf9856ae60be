"""What the learner measures, for people: TensorBoard events and JSON lines."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from async_rl_core.errors import AsyncRLError

FLUSH_PERIOD = 10
"""Seconds until TensorBoard sees an event at the latest; a thread of its own writes them."""


class MetricsError(AsyncRLError):
    """Metrics that cannot be written."""


class MetricsWriter:
    """Writes `<run_dir>/metrics.jsonl`, one object a line, and `<run_dir>/tensorboard/`; both are appended to.

    `clock` is Unix time in seconds. Raises `MetricsError` where the run's folder cannot be written.
    """

    def __init__(self, run_dir: Path, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        try:
            (run_dir / "tensorboard").mkdir(parents=True, exist_ok=True)
            self._lines = (run_dir / "metrics.jsonl").open("a", encoding="utf-8", buffering=1)
            self._events = EventFileWriter(str(run_dir / "tensorboard"), flush_secs=FLUSH_PERIOD)
        except OSError as error:
            raise MetricsError(f"metrics cannot be written to {run_dir}: {error.strerror}; set run_dir") from None

    def write(self, updates: int, env_steps: int, values: Mapping[str, float]) -> None:
        """Record named values at a number of updates and environment steps."""
        now = self._clock()
        line = {"time": round(now, 3), "updates": updates, "env_steps": env_steps, **values}
        try:
            self._lines.write(json.dumps(line) + "\n")
        except OSError as error:
            raise MetricsError(f"{self._lines.name} cannot be written: {error.strerror}; free space") from None
        scalars = [Summary.Value(tag=f"learner/{name}", simple_value=value) for name, value in values.items()]
        scalars.append(Summary.Value(tag="learner/env_steps", simple_value=env_steps))
        self._events.add_event(Event(wall_time=now, step=updates, summary=Summary(value=scalars)))

    def close(self) -> None:
        """Write what is pending."""
        self._lines.close()
        self._events.close()
