"""The memory layout of pixels, by ROS's names of encodings (sensor_msgs/image_encodings.hpp)."""

from array import array
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from async_rl_core.errors import ImageError

Data: TypeAlias = "bytes | bytearray | array[int]"
"""Bytes as messages contain them."""


@dataclass(frozen=True)
class PixelLayout:
    """An encoding with 8 bits per value.

    Attributes:
        channels: bytes per pixel.
        to_rgb: OpenCV's conversion to RGB; None for RGB.
        subsampled: whether two neighbours share their colour, so that pictures are cropped at even columns only.
    """

    channels: int
    to_rgb: int | None
    subsampled: bool = False


_YUYV, _UYVY = PixelLayout(2, cv2.COLOR_YUV2RGB_YUYV, True), PixelLayout(2, cv2.COLOR_YUV2RGB_UYVY, True)

LAYOUTS = {
    "rgb8": PixelLayout(3, None),
    "bgr8": PixelLayout(3, cv2.COLOR_BGR2RGB),
    "rgba8": PixelLayout(4, cv2.COLOR_RGBA2RGB),
    "bgra8": PixelLayout(4, cv2.COLOR_BGRA2RGB),
    "yuyv": _YUYV,
    "yuv422_yuy2": _YUYV,  # former name
    "uyvy": _UYVY,
    "yuv422": _UYVY,
}


def layout(encoding: str) -> PixelLayout:
    """Returns the layout of an encoding. Raises `ImageError` for an unknown one."""
    if encoding not in LAYOUTS:
        raise ImageError(f"encoding '{encoding}' is not supported; allowed: {', '.join(LAYOUTS)}")
    return LAYOUTS[encoding]


def view(encoding: str, width: int, height: int, step: int, data: Data) -> NDArray[np.uint8]:
    """Returns the pixels (height, width, channels) in place, with rows `step` bytes apart.

    Raises `ImageError` for an unknown encoding, and for data of a wrong length.
    """
    channels = layout(encoding).channels
    row, length = width * channels, len(data)
    if width < 1 or height < 1 or step < row or not step * (height - 1) + row <= length <= step * height:
        raise ImageError(
            f"a picture of {width}x{height} in {encoding} needs rows of {row} bytes, got a step of {step} and {length} "
            "bytes in all"
        )
    if width % 2 and layout(encoding).subsampled:
        raise ImageError(f"a picture in {encoding} has an even number of columns, got {width}")
    return np.ndarray((height, width, channels), np.uint8, data, strides=(step, channels, 1))
