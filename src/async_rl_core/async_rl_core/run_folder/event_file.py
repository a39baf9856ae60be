"""TensorBoard event files that survive a full disk."""

import itertools
import os
import socket
import time
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from async_rl_core.run_folder.appended_file import AppendedFile

_numbers = itertools.count()


class EventFile:
    """Appends scalars to its own event file, in a folder that may hold others.

    TensorBoard's own writer stops at the first failed write and prints a traceback from a thread.

    Args:
        folder: of the event files; created if missing.
        step: TensorBoard discards events of earlier files from this step on.
        clock: Unix time in seconds.

    Raises:
        OSError: the folder cannot be created.
    """

    def __init__(self, folder: Path, step: int, clock: Callable[[], float] = time.time) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._clock = clock
        # TensorBoard reads the files of a folder in the order of their names.
        name = f"{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{next(_numbers):06d}"
        header = _record(Event(wall_time=clock(), file_version="brain.Event:2"))
        self.file = AppendedFile(folder / f"events.out.tfevents.{name}", header)
        started = SessionLog(status=SessionLog.START)
        self.file.write(_record(Event(wall_time=clock(), step=step, session_log=started)))

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        """Writes named values at a step."""
        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        self.file.write(_record(Event(wall_time=self._clock(), step=step, summary=Summary(value=values))))


def _record(event: Event) -> bytes:
    content = BytesIO()
    RecordWriter(content).write(event.SerializeToString())
    return content.getvalue()
