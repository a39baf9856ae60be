"""Tells which of two pictures a camera's frame shows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from async_rl_core.errors import ImageError

Pixels = NDArray[np.uint8]

_CLEAR = 0.9
"""Share of the frames of each picture that must be told apart."""


class Contrast:
    """Compares a frame with the means of two sets of frames, all of one shape.

    Nothing is assumed of what differs between them, or where: noise cancels out over the frame.
    Raises `ImageError` where the two are not told apart, judged by frames which the means know nothing of.
    """

    def __init__(self, first: Sequence[Pixels], second: Sequence[Pixels]) -> None:
        one, other = (np.mean(frames[::2], axis=0, dtype=np.float32) for frames in (first, second))
        self._middle = (one + other) / 2
        difference = one - other
        self._weights = (2 / max(float((difference**2).sum()), 1e-9)) * difference
        right = [np.mean([self(f) * sign > 0 for f in frames[1::2]]) for frames, sign in ((first, 1), (second, -1))]
        if min(right) < _CLEAR:
            raise ImageError(
                "what the camera sees does not change when the target on the monitor moves; point the camera at the "
                "monitor, and let nothing else move"
            )

    def __call__(self, frame: Pixels) -> float:
        """About 1 for a frame of the first picture, -1 for one of the second, between them for a blend of both."""
        return float(np.vdot(frame - self._middle, self._weights))
