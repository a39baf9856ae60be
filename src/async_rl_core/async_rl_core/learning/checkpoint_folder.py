"""The checkpoints of a run: written in a thread of their own, and restored when the run is resumed."""

import contextlib
import threading
import time
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path

from async_rl_core.algorithms.base import Algorithm
from async_rl_core.atomic_file import set_aside
from async_rl_core.learning.checkpoint import LearnerSnapshot, restore
from async_rl_core.learning.checkpoint_file import CheckpointError, name_of, newest_first, newest_whole

KEEP = 2
"""Checkpoints kept of a run: if the newest is damaged, the one before is used."""
RETRY_PERIOD = 10.0
"""Seconds after a failed write until the next attempt, at most."""


class CheckpointFolder:
    """Saves a learner every `period` seconds, and when it ends; the newest two checkpoints are kept.

    The caller's thread copies the learner, which takes milliseconds; another thread writes the copy. A checkpoint that
    cannot be written is tried again, and learning continues.

    Args:
        folder: `checkpoints` of the run; created if it is missing.
        algorithm: the learner, whose state is held twice in memory.
        period: seconds of `clock` between checkpoints.

    Raises `CheckpointError` if the path is not a folder.
    """

    def __init__(
        self, folder: Path, algorithm: Algorithm, period: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder, self._algorithm, self._period, self._clock = folder, algorithm, period, clock
        self.failed = ""
        """The reason why the last checkpoint could not be written; empty if it was."""
        try:
            self._make()
        except (FileExistsError, NotADirectoryError) as error:
            raise CheckpointError(f"folder {folder} cannot be used: {error.strerror}; set run_dir") from None
        except OSError as error:
            self.failed = f"folder {folder} cannot be made: {error.strerror}; the run goes on, the next attempt follows"
        for unfinished in folder.glob(".updates_*"):  # its writer was killed
            with contextlib.suppress(OSError):
                unfinished.unlink()
        self._capture = LearnerSnapshot(algorithm)
        self._writer: threading.Thread | None = None
        self._next = clock() + period
        self._taken = algorithm.updates

    def restore(self, warn: Callable[[str], object]) -> int:
        """Restores the learner from the newest undamaged checkpoint; returns the environment steps it had seen.

        Without a checkpoint the learner stays as it is. Newer ones that are damaged are renamed, and `warn` is told.
        Raises `CheckpointError` if all are damaged, or the newest is of another learner.
        """
        found = newest_whole(self._folder, warn)
        if found is None:
            return 0
        path, stored = found
        restore(self._algorithm, stored, path)
        for newer in takewhile(path.__ne__, newest_first(self._folder)):
            try:
                set_aside(newer)
            except OSError as error:
                warn(f"checkpoint {newer} cannot be set aside: {error.strerror}")
        self._taken = stored.updates
        return stored.env_steps

    def save_when_due(self, env_steps: int) -> None:
        """Starts a checkpoint if one is due and the learner has changed; call it after each update."""
        now = self._clock()
        if self.failed:
            self._next = min(self._next, now + RETRY_PERIOD)
        if now < self._next or self._is_writing:
            return
        self._next = now + self._period
        if self._algorithm.updates > self._taken or self.failed:
            self._save(env_steps)

    def close(self, env_steps: int) -> None:
        """Waits for the checkpoint in progress, then writes the learner's last state unless it is written."""
        self._wait()
        if self._algorithm.updates > self._taken or self.failed:
            self._save(env_steps)
            self._wait()

    def _make(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def _is_writing(self) -> bool:
        return self._writer is not None and self._writer.is_alive()

    def _wait(self) -> None:
        if self._writer is not None:
            self._writer.join()

    def _save(self, env_steps: int) -> None:
        self._capture.take(env_steps)
        self._taken = self._algorithm.updates
        self._writer = threading.Thread(target=self._write, args=[self._taken], name="checkpoint")
        self._writer.start()

    def _write(self, updates: int) -> None:
        path = self._folder / name_of(updates)
        try:
            self._make()
            self._capture.write(path)
            for old in newest_first(self._folder)[KEEP:]:
                old.unlink(missing_ok=True)
            self.failed = ""
        except OSError as error:
            self.failed = (
                f"checkpoint {path} cannot be written: {error.strerror}; the run goes on, the next attempt follows"
            )
