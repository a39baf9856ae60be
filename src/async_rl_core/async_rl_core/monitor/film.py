"""The newest camera frames of an episode, with the points at which the encoder looked."""

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

MEMORY = 256 * 2**20
"""Bytes of frames kept, at most."""

Image = NDArray[np.uint8]
Points = NDArray[np.float32]


class Film:
    """A ring of frames and points, matched by their stamps.

    Args:
        frames: kept; fewer where an image is so large that they exceed `MEMORY`.
    """

    def __init__(self, frames: int) -> None:
        self._length = frames
        self._frames: OrderedDict[int, Image] = OrderedDict()
        self._points: OrderedDict[int, Points] = OrderedDict()

    def add_frame(self, stamp: int, image: Image) -> None:
        """Keep an image (height, width, 3), not copied, captured at `stamp` nanoseconds."""
        self._frames[stamp] = image
        length = max(1, min(self._length, MEMORY // image.nbytes))
        while len(self._frames) > length:
            self._frames.popitem(last=False)

    def add_points(self, stamp: int, points: Points) -> None:
        """Keep points (n, 2), in image coordinates from -1 to 1, that belong to the image of this stamp."""
        self._points[stamp] = points
        while len(self._points) > self._length:
            self._points.popitem(last=False)

    def frame(self, stamp: int) -> Image | None:
        """The image of a stamp, where it is still kept."""
        return self._frames.get(stamp)

    def take(self) -> list[tuple[Image, Points | None]]:
        """All frames, oldest first, each with its points if they came; the film is empty then."""
        taken = [(image, self._points.get(stamp)) for stamp, image in self._frames.items()]
        self._frames.clear()
        self._points.clear()
        return taken
