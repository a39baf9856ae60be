"""Health of the camera: images that are black, or that stay the same while the arm moves, cannot be trusted."""

import numpy as np
from numpy.typing import NDArray

from async_rl_core.agent.observation import Frame

TIMEOUT = 1.0
"""Seconds for which the images may show nothing new."""
BLACK = 10.0
"""Mean of an image's bytes up to which it counts as black: a covered lens, noise included."""
MOTION = 0.05
"""Radians of joint motion after which the image must have changed, if it is textured."""
STRUCTURE = 0.02
"""Minimum share of pixels that differ from the pixel two away, along both axes, for an image to count as textured."""
IN_THE_DARK = "images that are not black"
FROZEN = "images that change as the arm moves"
SPARSE = slice(None, None, 4)


class CameraHealth:
    """Checks the images of a camera that moves with the arm or sees it.

    Attributes:
        trouble: kind of images that are needed before they can be trusted again; empty while they can.
    """

    def __init__(self) -> None:
        self.trouble = ""
        self._frame: Frame | None = None
        self._picture: Frame | None = None
        self._least: NDArray[np.float64] | float = np.inf
        self._most: NDArray[np.float64] | float = -np.inf

    def see(self, frame: Frame, position: NDArray[np.float64]) -> bool:
        """Takes the newest image and the joint angles (n,) in rad; returns whether it shows something new."""
        if frame is self._frame:
            return False
        self._frame = frame
        black = float(frame.image[SPARSE, SPARSE].mean()) <= BLACK
        picture = self._picture
        if not black and (picture is None or not np.array_equal(frame.image, picture.image)):
            self._picture, self._least, self._most = frame, position, position
            self.trouble = ""
            return True
        self._least, self._most = np.minimum(self._least, position), np.maximum(self._most, position)
        long = picture is None or frame.received - picture.received >= TIMEOUT
        if black:
            self.trouble = IN_THE_DARK if long else self.trouble
        elif self.trouble == IN_THE_DARK:
            self.trouble = ""  # the same picture as before the dark
        elif long and float(np.max(self._most - self._least)) > MOTION and _is_structured(frame.image):
            self.trouble = FROZEN
        return False


def _is_structured(image: NDArray[np.uint8]) -> bool:
    """Returns whether a motion of the camera would change the image: a plain wall looks the same from everywhere."""
    shares = [float((image[2:] != image[:-2]).mean()), float((image[:, 2:] != image[:, :-2]).mean())]
    return min(shares) > STRUCTURE
