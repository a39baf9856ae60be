"""The newest camera frames of an episode, with the points at which the encoder looked."""

from collections import OrderedDict, deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MEMORY = 256 * 2**20
"""Bytes of frames kept, at most."""

Image = NDArray[np.uint8]
Points = NDArray[np.float32]


@dataclass(slots=True)
class _Frame:
    stamp: int
    image: Image
    points: Points | None


class FrameBuffer:
    """A ring of frames in the order in which they came, and the points that belong to them.

    Points are matched by stamp. A stamp need not be unique, since a camera may not stamp its images at all: points then
    belong to the newest frame of that stamp which has none.

    Args:
        frames: kept; fewer where an image is so large that they exceed `MEMORY`.
    """

    def __init__(self, frames: int) -> None:
        self._length = frames
        self._frames: deque[_Frame] = deque()
        self._early: OrderedDict[int, Points] = OrderedDict()

    def add_frame(self, stamp: int, image: Image) -> None:
        """Keeps an image (height, width, 3), not copied, captured at `stamp` nanoseconds."""
        self._frames.append(_Frame(stamp, image, self._early.pop(stamp, None)))
        length = max(1, min(self._length, MEMORY // image.nbytes))
        while len(self._frames) > length:
            self._frames.popleft()

    def add_points(self, stamp: int, points: Points) -> None:
        """Keeps points (n, 2), in image coordinates from -1 to 1, that belong to an image of this stamp."""
        frame = next((frame for frame in reversed(self._frames) if frame.stamp == stamp), None)
        if frame is not None and frame.points is None:
            frame.points = points
            return
        self._early[stamp] = points  # before their frame
        while len(self._early) > self._length:
            self._early.popitem(last=False)

    def frame(self, stamp: int) -> Image | None:
        """Returns the newest image of a stamp, where it is still kept."""
        return next((frame.image for frame in reversed(self._frames) if frame.stamp == stamp), None)

    def take(self) -> list[tuple[Image, Points | None]]:
        """Returns all frames, oldest first, each with its points if they came; the buffer is then empty."""
        taken = [(frame.image, frame.points) for frame in self._frames]
        self._frames.clear()
        self._early.clear()
        return taken
