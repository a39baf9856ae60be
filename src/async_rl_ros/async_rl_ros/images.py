"""CvBridge: the one of ROS 2 where it is installed, otherwise our own with the same calls, for 8-bit images."""

from collections.abc import Sequence
from itertools import chain

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from async_rl_core.errors import AsyncRLError

CHANNELS = {"rgb8": 3, "bgr8": 3, "mono8": 1, "yuv422_yuy2": 2}

_CONVERSIONS = {
    ("rgb8", "bgr8"): cv2.COLOR_RGB2BGR,
    ("rgb8", "mono8"): cv2.COLOR_RGB2GRAY,
    ("bgr8", "rgb8"): cv2.COLOR_BGR2RGB,
    ("bgr8", "mono8"): cv2.COLOR_BGR2GRAY,
    ("mono8", "rgb8"): cv2.COLOR_GRAY2RGB,
    ("mono8", "bgr8"): cv2.COLOR_GRAY2BGR,
    ("yuv422_yuy2", "rgb8"): cv2.COLOR_YUV2RGB_YUYV,
    ("yuv422_yuy2", "bgr8"): cv2.COLOR_YUV2BGR_YUYV,
    ("yuv422_yuy2", "mono8"): cv2.COLOR_YUV2GRAY_YUYV,
}


class OwnCvBridgeError(AsyncRLError, TypeError):
    """An image cannot be converted. A TypeError, as in cv_bridge."""


class OwnCvBridge:
    """Converts between sensor_msgs/Image and NumPy arrays, as CvBridge does."""

    def imgmsg_to_cv2(self, img_msg: Image, desired_encoding: str = "passthrough") -> NDArray[np.uint8]:
        """Returns the image as (height, width, channels) uint8, or (height, width) for one channel.

        Shares memory with the message where no conversion is needed. Raises `OwnCvBridgeError` for an unknown
        encoding, and for a message whose length does not fit its header.
        """
        image = _view(img_msg)
        source = img_msg.encoding
        if desired_encoding in ("passthrough", source):
            return image
        if (source, desired_encoding) not in _CONVERSIONS:
            allowed = [target for known, target in _CONVERSIONS if known == source]
            raise OwnCvBridgeError(f"cannot convert an image from {source} to {desired_encoding!r}; allowed: {allowed}")
        try:
            return np.asarray(cv2.cvtColor(image, _CONVERSIONS[source, desired_encoding]), np.uint8)
        except cv2.error as error:
            size = f"{img_msg.width}x{img_msg.height}"
            raise OwnCvBridgeError(f"cannot convert a {size} image from {source}: {error}") from error

    def cv2_to_imgmsg(self, cvim: NDArray[np.uint8], encoding: str, header: Header | None = None) -> Image:
        """Returns a message with a copy of the image. Raises `OwnCvBridgeError` where it does not fit the encoding."""
        channels = _channels(encoding)
        shape = cvim.shape if cvim.ndim == 3 else (*cvim.shape, 1)
        if cvim.dtype != np.uint8 or len(shape) != 3 or shape[2] != channels:
            raise OwnCvBridgeError(f"{encoding} is (height, width, {channels}) uint8, got {cvim.shape} {cvim.dtype}")
        height, width, _ = shape
        message = Image(height=height, width=width, encoding=encoding, step=width * channels)
        if header is not None:
            message.header = header
        # Into the array that the message made: assigning anything else copies value by value on older versions.
        message.data.frombytes(np.ascontiguousarray(cvim).data.cast("B"))
        return message


def _channels(encoding: str) -> int:
    if encoding not in CHANNELS:
        raise OwnCvBridgeError(f"image encoding {encoding!r} is not supported; allowed: {sorted(CHANNELS)}")
    return CHANNELS[encoding]


def _view(message: Image) -> NDArray[np.uint8]:
    """Returns the pixels in place, with rows `step` bytes apart."""
    channels = _channels(message.encoding)
    height, width, step = message.height, message.width, message.step
    row = width * channels
    if step < row or not step * (height - 1) + row <= len(message.data) <= step * height:
        raise OwnCvBridgeError(
            f"image of {width}x{height} {message.encoding} needs rows of at least {row} bytes, "
            f"got step {step} and {len(message.data)} bytes in all"
        )
    shape: Sequence[int] = (height, width) if channels == 1 else (height, width, channels)
    strides = chain((step,), (channels,) if channels > 1 else (), (1,))
    return np.ndarray(shape, np.uint8, message.data, strides=tuple(strides))


try:
    from cv_bridge import CvBridge, CvBridgeError

    # Imported here because cv_bridge imports it on first use, and fails where NumPy is not the one it was compiled for.
    from cv_bridge.boost import cv_bridge_boost as _compiled  # noqa: F401
except ImportError:
    CvBridge, CvBridgeError = OwnCvBridge, OwnCvBridgeError

__all__ = ["CHANNELS", "CvBridge", "CvBridgeError", "OwnCvBridge", "OwnCvBridgeError"]
