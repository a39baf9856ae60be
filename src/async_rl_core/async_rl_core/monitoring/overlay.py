"""Feature points of the encoder, drawn into the camera image (Yuan, 2022, figure 8.5)."""

import math

import numpy as np
from numpy.typing import NDArray

from async_rl_core.monitoring.frame_buffer import Image, Points

MIN_WIDTH = 640
"""Pixels; a smaller image is scaled up by a whole factor."""
GREEN = (0, 230, 60)
OUTLINE = (0, 60, 15)
MARK = 0.006
"""Radius of a mark, as a fraction of the picture's width."""


def scale_factor(height: int, width: int) -> int:
    """Returns the integer factor that makes an image at least 640 wide, with an even height and width as H.264 asks."""
    factor = math.ceil(MIN_WIDTH / width)
    return factor if factor * height % 2 == 0 and factor * width % 2 == 0 else factor + factor % 2


def annotate(image: Image, points: Points | None) -> Image:
    """Returns the image scaled up, with a green mark at each point.

    Args:
        image: (height, width, 3) RGB.
        points: (n, 2) x and y in image coordinates, from -1 (left, top) to 1 (right, bottom); none for no marks.

    Returns:
        (factor * height, factor * width, 3) RGB, see `scale_factor`.
    """
    factor = scale_factor(*image.shape[:2])
    picture = np.repeat(np.repeat(image, factor, axis=0), factor, axis=1)
    if points is not None and len(points):
        radius = max(2, round(MARK * picture.shape[1]))
        _stamp(picture, points, radius + 1, OUTLINE)
        _stamp(picture, points, radius, GREEN)
    return picture


def _stamp(picture: Image, points: Points, radius: int, colour: tuple[int, int, int]) -> None:
    height, width = picture.shape[:2]
    finite = points[np.isfinite(points).all(axis=1)]
    centre = np.rint((np.clip(finite[:, ::-1], -1, 1) + 1) / 2 * (height - 1, width - 1)).astype(np.intp)
    disc = _disc(radius)
    pixels = (centre[:, None] + disc[None]).reshape(-1, 2)
    inside = pixels[((pixels >= 0) & (pixels < (height, width))).all(axis=1)]
    picture[inside[:, 0], inside[:, 1]] = colour


def _disc(radius: int) -> NDArray[np.intp]:
    """Returns offsets (n, 2) of the pixels of a disc."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return np.argwhere(x**2 + y**2 <= radius**2) - radius
