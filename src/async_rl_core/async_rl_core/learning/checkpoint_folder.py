"""The checkpoints of a run: written beside the learning, and found again when it goes on."""

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
"""Checkpoints of a run: should the newest be damaged, the one before is left."""
RETRY_PERIOD = 10.0
"""Seconds after a failed write until the next attempt, at most."""


class CheckpointFolder:
    """Saves a learner every `period` seconds, and when it ends; the newest two checkpoints are kept.

    The caller's thread copies the learner, which takes milliseconds; another one writes the copy, and needs Python's
    lock only in passing. What cannot be written is tried again, and learning goes on.

    Args:
        folder: `checkpoints` of the run; made where it is not there.
        algorithm: the learner. Its memory is copied, and so taken, once more.
        period: seconds of `clock` between checkpoints.

    Raises `CheckpointError` where there is something else in the folder's place.
    """

    def __init__(
        self, folder: Path, algorithm: Algorithm, period: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder, self._algorithm, self._period, self._clock = folder, algorithm, period, clock
        self.failed = ""
        """Why the last checkpoint could not be written; empty where it could."""
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
        """Bring the learner to the newest checkpoint that is whole; return the environment steps it had seen.

        Without a checkpoint the learner stays as it is. Newer ones that are damaged are set aside, and told to `warn`.
        Raises `CheckpointError` where all are damaged, or the newest is of another learner.
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
        """Begin a checkpoint if the time has come and there is something new; call it after each update."""
        now = self._clock()
        if self.failed:
            self._next = min(self._next, now + RETRY_PERIOD)
        if now < self._next or self._is_writing:
            return
        self._next = now + self._period
        if self._algorithm.updates > self._taken or self.failed:
            self._save(env_steps)

    def close(self, env_steps: int) -> None:
        """Wait for what is being written, then write the learner's last state, unless it is there."""
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
