"""The learner's metrics as TensorBoard events and JSON lines."""

import contextlib
import errno
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from async_rl_core.errors import AsyncRLError
from async_rl_core.run_folder.appended_file import AppendedFile
from async_rl_core.run_folder.event_file import EventFile
from async_rl_core.run_folder.run_folder import RunFolder

LONGEST_LINE = 2**16
"""Bytes of a line of metrics, at most."""


class MetricsError(AsyncRLError):
    """Metrics that cannot be written."""


class MetricsWriter:
    """Writes `<run_dir>/metrics.jsonl`, one object a line, and `<run_dir>/tensorboard/`; both are appended to.

    A learner resumes from a checkpoint, which may be older than the last lines: lines with more updates are removed,
    since those updates are done again. Lines from the first damaged one on are removed too, and a copy of the file is
    kept. Lines that a full disk cannot take wait in memory.

    Args:
        run_dir: the run's folder.
        updates: of the learner now.
        clock: Unix time in seconds.
        warn: is told of damage.

    Raises `MetricsError` if the run's folder is missing or not a folder.
    """

    def __init__(
        self,
        run_dir: Path,
        updates: int = 0,
        clock: Callable[[], float] = time.time,
        warn: Callable[[str], object] = lambda line: None,
    ) -> None:
        self._clock = clock
        self._folder, self._first = RunFolder(run_dir).tensorboard, updates + 1
        self._events: EventFile | None = None
        self._events_failed = self._lines_failed = ""
        path = RunFolder(run_dir).metrics
        self._lines = AppendedFile(path)
        try:
            if path.exists():
                _cut(path, updates, warn)
        except OSError as error:
            if error.errno in (errno.ENOTDIR, errno.EISDIR):
                raise _unusable(run_dir, error) from None
            self._lines_failed = f"{path} cannot be written: {error.strerror}"
            warn(self._lines_failed)
        try:
            self._open_events()
        except (FileExistsError, NotADirectoryError) as error:
            raise _unusable(run_dir, error) from None

    @property
    def failed(self) -> str:
        """The reason why the newest metrics are not on the disk yet; empty if they are."""
        events = self._events.file.failed if self._events else self._events_failed
        trouble = self._lines_failed or self._lines.failed or events
        return f"{trouble}; the run goes on, metrics are written as soon as that is possible" if trouble else ""

    def write(self, updates: int, env_steps: int, values: Mapping[str, float]) -> None:
        """Records named values at a number of updates and environment steps."""
        line = {"time": round(self._clock(), 3), "updates": updates, "env_steps": env_steps, **values}
        self._lines_failed = ""
        self._lines.write(json.dumps(line).encode() + b"\n")
        if self._events is None:
            with contextlib.suppress(OSError):
                self._open_events()
        if self._events is not None:
            scalars = {**values, "env_steps": env_steps}
            self._events.write(updates, {f"learner/{name}": value for name, value in scalars.items()})

    def close(self) -> None:
        """Writes pending lines as far as possible."""
        self._lines.flush()
        if self._events is not None:
            self._events.file.flush()

    def _open_events(self) -> None:
        try:
            self._events = EventFile(self._folder, self._first, self._clock)
            self._events_failed = ""
        except (FileExistsError, NotADirectoryError):
            raise
        except OSError as error:
            self._events_failed = f"{self._folder} cannot be written: {error.strerror}"


def _unusable(run_dir: Path, error: OSError) -> MetricsError:
    return MetricsError(f"metrics cannot be written to {run_dir}: {error.strerror}; set run_dir")


def _cut(path: Path, updates: int, warn: Callable[[str], object]) -> None:
    """Removes the lines with more updates, and all from the first damaged one on."""
    size, number, trouble = _whole_lines(path, updates)
    if trouble:
        copy = path.with_name(f"{path.name}.damaged")
        with contextlib.suppress(OSError):
            shutil.copyfile(path, copy)
        kept = f"the file as it was is kept as {copy.name}" if copy.exists() else "there is no room for a copy of it"
        warn(f"{path}: line {number} is damaged ({trouble}); the record continues from there, {kept}")
    if size < path.stat().st_size:
        os.truncate(path, size)


def _whole_lines(path: Path, updates: int) -> tuple[int, int, str]:
    """Returns the bytes of the lines to keep, the number of the first other line, and what is wrong with that line."""
    size, last, number = 0, -1, 1
    with path.open("rb") as file:
        while line := file.readline(LONGEST_LINE):
            if not line.endswith(b"\n") and len(line) < LONGEST_LINE:
                return size, number, ""  # its writer was killed
            found = _updates_of(line)
            if isinstance(found, str):
                return size, number, found
            if found > updates:
                return size, number, ""
            if found < last:
                return size, number, f"{found} updates after {last}"
            size, last, number = size + len(line), found, number + 1
    return size, number, ""


def _updates_of(line: bytes) -> int | str:
    """Returns the number of updates in a line of metrics, or what is wrong with the line."""
    if not line.endswith(b"\n"):
        return f"longer than {LONGEST_LINE} bytes"
    if not line.strip(b"\0\n"):
        return "empty"
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return "not JSON"
    updates = values.get("updates") if isinstance(values, dict) else None
    if not isinstance(updates, int) or isinstance(updates, bool) or updates < 0:
        return "without a number of updates"
    return updates
