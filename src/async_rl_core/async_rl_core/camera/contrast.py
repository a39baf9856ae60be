"""Classification of a camera's frame as one of two pictures."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from async_rl_core.errors import ImageError

Pixels = NDArray[np.uint8]

_CLEAR = 0.9
"""Share of the frames of each picture that must be classified correctly."""


class Contrast:
    """Compares a frame with the means of two sets of frames, all of the same shape.

    It needs no knowledge of the difference; noise averages out over the frame. Raises `ImageError` where frames that
    are not part of the means are not classified correctly.
    """

    def __init__(self, first: Sequence[Pixels], second: Sequence[Pixels]) -> None:
        one, other = (np.mean(frames[::2], axis=0, dtype=np.float32) for frames in (first, second))
        self._middle = (one + other) / 2
        difference = one - other
        self._weights = (2 / max(float((difference**2).sum()), 1e-9)) * difference
        right = [np.mean([self(f) * sign > 0 for f in frames[1::2]]) for frames, sign in ((first, 1), (second, -1))]
        if min(right) < _CLEAR:
            raise ImageError(
                "the camera's image does not change when the target on the monitor moves; point the camera at the "
                "monitor, and keep everything else still"
            )

    def __call__(self, frame: Pixels) -> float:
        """Returns about 1 for a frame of the first picture, -1 for one of the second, and between for a blend."""
        return float(np.vdot(frame - self._middle, self._weights))
