"""Conversion of a camera's pictures into the agent's."""

import cv2
import numpy as np
from numpy.typing import NDArray

from async_rl_core.camera import png
from async_rl_core.camera.layout import Data, layout, view
from async_rl_core.camera.window import window
from async_rl_core.errors import ImageError

Pixels = NDArray[np.uint8]

_JPEG, _JPEG_END, _PNG = b"\xff\xd8\xff", b"\xff\xd9", b"\x89PNG\r\n\x1a\n"
_DECODING = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION  # to BGR: RGB is not known to every OpenCV 4


class ImageConverter:
    """Crops pictures to the aspect of `width` x `height`, resizes and converts them to RGB.

    Results (height, width, 3) are only valid until the next call: a buffer that is used again or, without any change,
    the input itself. Shrinking averages over areas, so that a target a few pixels wide is not lost.

    Attributes:
        format: size and encoding of the last picture, such as '640x480 yuv422_yuy2'.
    """

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._rgb = np.empty((height, width, 3), np.uint8)
        self._resized = np.empty(0, np.uint8)
        self._whole = np.empty(0, np.uint8)
        self.format = ""

    def raw(self, encoding: str, width: int, height: int, step: int, data: Data) -> Pixels:
        """Converts a picture as in sensor_msgs/Image, with rows `step` bytes apart.

        Raises `ImageError` for an unsupported encoding, and for data of a wrong length.
        """
        pixels = view(encoding, width, height, step, data)
        self.format = f"{width}x{height} {encoding}"
        return self._fit(pixels, encoding)

    def compressed(self, data: Data) -> Pixels:
        """Converts a picture as in sensor_msgs/CompressedImage: JPEG or PNG, by its content.

        Raises `ImageError` for any other format, and for an incomplete picture.
        """
        values = np.frombuffer(data, np.uint8)
        kind = _kind(values)
        try:
            decoded: object = cv2.imdecode(values, _DECODING)
        except cv2.error:
            decoded = None
        if decoded is None:
            raise ImageError(f"a {kind} picture of {len(values)} bytes cannot be decoded")
        pixels = np.asarray(decoded, np.uint8)
        _require_whole(kind, values)
        self.format = f"{pixels.shape[1]}x{pixels.shape[0]} {kind}"
        return self._fit(pixels, "bgr8")

    def _fit(self, pixels: Pixels, encoding: str) -> Pixels:
        source = layout(encoding)
        pixels = pixels[window(pixels.shape[1], pixels.shape[0], self._size, 2 if source.subsampled else 1)]
        if pixels.shape[1::-1] == self._size:
            return pixels if source.to_rgb is None else self._convert(pixels, source.to_rgb, self._rgb)
        if source.to_rgb is None:
            return self._resize(pixels, self._rgb)
        if source.subsampled:  # colours are shared by neighbours and must be expanded before pixels are mixed
            self._whole = _buffer(self._whole, (*pixels.shape[:2], 3))
            return self._resize(self._convert(pixels, source.to_rgb, self._whole), self._rgb)
        self._resized = _buffer(self._resized, (*self._rgb.shape[:2], source.channels))
        return self._convert(self._resize(pixels, self._resized), source.to_rgb, self._rgb)

    def _resize(self, pixels: Pixels, into: Pixels) -> Pixels:
        smaller = pixels.shape[0] > into.shape[0] or pixels.shape[1] > into.shape[1]
        cv2.resize(pixels, self._size, into, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
        return into

    @staticmethod
    def _convert(pixels: Pixels, code: int, into: Pixels) -> Pixels:
        cv2.cvtColor(pixels, code, into)
        return into


def prepare_compressed() -> None:
    """Loads the checks of compressed pictures, so that the first picture does not wait for them."""


def _require_whole(kind: str, values: Pixels) -> None:
    """Raises `ImageError` for an incomplete picture, which OpenCV would fill with grey."""
    if kind == "png":
        png.require_whole(values.tobytes())
        return
    from async_rl_core.camera import jpeg  # loads Numba, which raw pictures do not need

    jpeg.require_whole(values)


def _kind(values: Pixels) -> str:
    """Returns 'jpeg' or 'png' by the first bytes. A JPEG without an end marker is refused here already."""
    head = values[: len(_PNG)].tobytes()
    if head == _PNG:
        return "png"
    if not head.startswith(_JPEG):
        raise ImageError("a compressed picture is neither JPEG nor PNG; allowed are these two")
    if _JPEG_END not in values.tobytes():
        raise ImageError(f"a JPEG picture of {len(values)} bytes was cut off")
    return "jpeg"


def _buffer(old: Pixels, shape: tuple[int, ...]) -> Pixels:
    return old if old.shape == shape else np.empty(shape, np.uint8)
