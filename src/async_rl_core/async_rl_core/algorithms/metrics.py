"""What the learner measures, for people: TensorBoard events and JSON lines."""

import contextlib
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from async_rl_core.errors import AsyncRLError

FLUSH_PERIOD = 10
"""Seconds until TensorBoard sees an event at the latest; a thread of its own writes them."""


class MetricsError(AsyncRLError):
    """Metrics that cannot be written."""


class MetricsWriter:
    """Writes `<run_dir>/metrics.jsonl`, one object a line, and `<run_dir>/tensorboard/`; both are appended to.

    A learner goes on from a checkpoint, which may be older than the last lines: those beyond its updates are dropped,
    since their numbers come again. So the updates always ascend. Once a write fails no more is recorded, and learning
    goes on.

    Args:
        run_dir: the run's folder.
        updates: of the learner now.
        clock: Unix time in seconds.

    Attributes:
        failed: why nothing is recorded any more; empty while all is well.

    Raises `MetricsError` where the run's folder cannot be written.
    """

    def __init__(self, run_dir: Path, updates: int = 0, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.failed = ""
        path = run_dir / "metrics.jsonl"
        try:
            (run_dir / "tensorboard").mkdir(parents=True, exist_ok=True)
            if path.exists():
                os.truncate(path, _size_up_to(path, updates))
            self._lines = path.open("a", encoding="utf-8", buffering=1)
            self._events = EventFileWriter(str(run_dir / "tensorboard"), flush_secs=FLUSH_PERIOD)
        except OSError as error:
            raise MetricsError(f"metrics cannot be written to {run_dir}: {error.strerror}; set run_dir") from None
        # TensorBoard drops what earlier files have from this step on.
        self._events.add_event(
            Event(wall_time=clock(), step=updates + 1, session_log=SessionLog(status=SessionLog.START))
        )

    def write(self, updates: int, env_steps: int, values: Mapping[str, float]) -> None:
        """Record named values at a number of updates and environment steps."""
        if self.failed:
            return
        now = self._clock()
        line = {"time": round(now, 3), "updates": updates, "env_steps": env_steps, **values}
        scalars = [Summary.Value(tag=f"learner/{name}", simple_value=value) for name, value in values.items()]
        scalars.append(Summary.Value(tag="learner/env_steps", simple_value=env_steps))
        try:
            self._lines.write(json.dumps(line) + "\n")
            self._events.add_event(Event(wall_time=now, step=updates, summary=Summary(value=scalars)))
        except OSError as error:
            self.failed = f"{self._lines.name} cannot be written: {error.strerror}; metrics are no longer recorded"

    def close(self) -> None:
        """Write what is pending, as far as that goes."""
        for file in (self._lines, self._events):
            with contextlib.suppress(OSError):
                file.close()


def _size_up_to(path: Path, updates: int) -> int:
    """Bytes of the lines that are whole and not beyond so many updates."""
    size = 0
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n") or line.startswith(b"\0") or json.loads(line)["updates"] > updates:
                break
            size += len(line)
    return size
