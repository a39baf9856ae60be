"""Selection of the episodes that are recorded as videos."""

from collections.abc import Callable

from async_rl_core.monitoring.frame_buffer import Image, Points

Frames = list[tuple[Image, Points | None]]


class VideoRecorder:
    """Writes the first episode, each `every`-th one and, at `close`, the last.

    Args:
        every: period in episodes; 0 for no videos.
        write: receives the number of an episode and its frames.
    """

    def __init__(self, every: int, write: Callable[[int, Frames], object]) -> None:
        self._every, self._write = every, write
        self._written = 0
        self._last: tuple[int, Frames] | None = None  # the newest episode, if not written yet

    def end(self, episode: int, frames: Frames) -> None:
        """Takes the frames of a finished episode."""
        if not self._every or not frames:
            return
        self._last = (episode, frames)
        if self._written == 0 or episode % self._every == 0:
            self._write_last()

    def close(self) -> list[str]:
        """Writes the last episode; returns a line if no video was written."""
        self._write_last()
        if self._every and not self._written:
            return ["record_video: no video was written, since no episode ended while images arrived"]
        return []

    def _write_last(self) -> None:
        if self._last is not None:
            self._write(*self._last)
            self._written += 1
            self._last = None
