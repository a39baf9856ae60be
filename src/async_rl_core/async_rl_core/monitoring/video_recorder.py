"""Which episodes of a run are filmed."""

from collections.abc import Callable

from async_rl_core.monitoring.frame_buffer import Image, Points

Frames = list[tuple[Image, Points | None]]


class VideoRecorder:
    """Writes each `every`-th episode, the first that ends, and, by `close`, the last.

    Args:
        every: of the episodes; 0 for none at all.
        write: takes the number of an episode and its frames.
    """

    def __init__(self, every: int, write: Callable[[int, Frames], object]) -> None:
        self._every, self._write = every, write
        self._written = 0
        self._last: tuple[int, Frames] | None = None  # the newest episode, where it has not been written

    def end(self, episode: int, frames: Frames) -> None:
        """Take the frames of an episode that ended."""
        if not self._every or not frames:
            return
        self._last = (episode, frames)
        if self._written == 0 or episode % self._every == 0:
            self._write_last()

    def close(self) -> list[str]:
        """Write the last episode; returns what to say where there is none at all."""
        self._write_last()
        if self._every and not self._written:
            return ["record_video: no episode ended while images came, so there is no video"]
        return []

    def _write_last(self) -> None:
        if self._last is not None:
            self._write(*self._last)
            self._written += 1
            self._last = None
