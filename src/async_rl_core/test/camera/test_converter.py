"""A camera's pictures against a calculation of our own: colours by their definition, areas by their overlap."""

from array import array

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from async_rl_core.camera.converter import ImageConverter
from async_rl_core.camera.layout import LAYOUTS
from async_rl_core.camera.window import window
from async_rl_core.errors import ImageError

Pixels = NDArray[np.uint8]
RNG = np.random.default_rng(0)


def noise(height: int, width: int, channels: int = 3) -> Pixels:
    return RNG.integers(0, 256, (height, width, channels), np.uint8)


def message(pixels: Pixels, padding: int = 0) -> "tuple[int, array[int]]":
    """Step and data of a message, each row followed by bytes that are none of the picture."""
    height, width, channels = pixels.shape
    rows = np.full((height, width * channels + padding), 77, np.uint8)
    rows[:, : width * channels] = pixels.reshape(height, -1)
    return rows.shape[1], array("B", rows.tobytes())


def converted(converter: ImageConverter, encoding: str, pixels: Pixels, padding: int = 0) -> Pixels:
    return converter.raw(encoding, pixels.shape[1], pixels.shape[0], *message(pixels, padding))


def rgb(encoding: str, pixels: Pixels) -> NDArray[np.float64]:
    """ITU-R BT.601, limited range, below black being black; neighbours share the colour of their pair."""
    values = pixels.astype(np.float64)
    if encoding in ("rgb8", "rgba8"):
        return values[..., :3]
    if encoding in ("bgr8", "bgra8"):
        return values[..., 2::-1]
    luma, chroma = (0, 1) if encoding.startswith("yuyv") or encoding.endswith("yuy2") else (1, 0)
    y = 255 / 219 * np.maximum(values[..., luma] - 16, 0)
    cb, cr = (np.repeat(values[:, i::2, chroma], 2, axis=1) - 128 for i in (0, 1))
    scale = 255 / 224
    red = y + scale * 1.402 * cr
    green = y - scale * (0.344136 * cb + 0.714136 * cr)
    blue = y + scale * 1.772 * cb
    return np.clip(np.stack([red, green, blue], axis=-1), 0, 255)


def overlaps(many: int, few: int) -> NDArray[np.float64]:
    """(few, many): how much of each small pixel every large one covers."""
    edges, wide = np.arange(many + 1), np.linspace(0, many, few + 1)
    low, high = np.maximum(edges[:-1], wide[:-1, None]), np.minimum(edges[1:], wide[1:, None])
    return np.clip(high - low, 0, None) * few / many


def expected(encoding: str, pixels: Pixels, width: int, height: int) -> NDArray[np.float64]:
    grain = 2 if LAYOUTS[encoding].channels == 2 else 1
    cut = rgb(encoding, pixels)[window(pixels.shape[1], pixels.shape[0], (width, height), grain)]
    shrunk = np.tensordot(overlaps(cut.shape[0], height), cut, 1)
    return overlaps(cut.shape[1], width) @ shrunk


@pytest.mark.parametrize("encoding", LAYOUTS)
@pytest.mark.parametrize("size", [(45, 80), (90, 160), (120, 160), (48, 64)])
def test_raw_converts_every_encoding_and_size(encoding: str, size: tuple[int, int]) -> None:
    pixels = noise(*size, LAYOUTS[encoding].channels)
    wanted = expected(encoding, pixels, 64, 36)
    np.testing.assert_allclose(converted(ImageConverter(64, 36), encoding, pixels, padding=12), wanted, atol=1.01)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(sorted(LAYOUTS)), st.integers(32, 90), st.integers(18, 70), st.integers(0, 9))
def test_raw_shrinks_any_larger_picture(encoding: str, width: int, height: int, padding: int) -> None:
    width += width % 2
    pixels = noise(height, width, LAYOUTS[encoding].channels)
    rows, columns = window(width, height, (16, 9), 2 if LAYOUTS[encoding].channels == 2 else 1)
    wide, high = (columns.stop - columns.start) // 2, (rows.stop - rows.start) // 2
    np.testing.assert_allclose(
        converted(ImageConverter(wide, high), encoding, pixels, padding),
        expected(encoding, pixels, wide, high),
        atol=1.01,
    )


def test_raw_of_the_right_picture_returns_it_unchanged() -> None:
    pixels = noise(45, 80)
    step, data = message(pixels, padding=4)
    seen = ImageConverter(80, 45).raw("rgb8", 80, 45, step, data)
    np.testing.assert_array_equal(seen, pixels)
    data[0] ^= 255
    assert seen[0, 0, 0] == data[0]


@pytest.mark.parametrize("encoding", LAYOUTS)
def test_raw_allocates_nothing_between_pictures(encoding: str) -> None:
    converter = ImageConverter(32, 18)
    first, second = (converted(converter, encoding, noise(60, 100, LAYOUTS[encoding].channels)) for _ in range(2))
    assert first is second


def test_raw_enlarges_a_smaller_picture() -> None:
    flat = np.full((9, 16, 3), (200, 30, 60), np.uint8)
    np.testing.assert_array_equal(
        converted(ImageConverter(32, 18), "rgb8", flat), np.broadcast_to(flat[0, 0], (18, 32, 3))
    )


def test_raw_after_a_change_of_format_converts_it() -> None:
    converter, formats = ImageConverter(32, 18), []
    for encoding, size in [("rgb8", (18, 32)), ("uyvy", (48, 64)), ("bgr8", (72, 128)), ("uyvy", (18, 32))]:
        pixels = noise(*size, LAYOUTS[encoding].channels)
        seen = converted(converter, encoding, pixels)
        np.testing.assert_allclose(seen, expected(encoding, pixels, 32, 18), atol=1.01)
        formats.append(converter.format)
    assert formats == ["32x18 rgb8", "64x48 uyvy", "128x72 bgr8", "32x18 uyvy"]


def test_compressed_converts_jpeg_and_png() -> None:
    converter, pixels = ImageConverter(40, 30), cv2.GaussianBlur(noise(60, 80), (0, 0), 3)
    wanted = expected("rgb8", pixels, 40, 30)
    for kind, tolerance in ((".png", 1.0), (".jpg", 12.0)):
        data = array("B", cv2.imencode(kind, pixels[..., ::-1])[1].tobytes())
        np.testing.assert_allclose(converter.compressed(data), wanted, atol=tolerance)
        np.testing.assert_allclose(converter.compressed(data + array("B", bytes(100))), wanted, atol=tolerance)
    assert converter.format == "80x60 jpeg"


@pytest.mark.parametrize(
    ("encoding", "size", "step", "length", "expected_words"),
    [
        ("mono8", (4, 4), 4, 16, "'mono8' is not supported; allowed: rgb8, bgr8, "),
        ("rgb8", (4, 4), 11, 48, "needs rows of 12 bytes, got a step of 11"),
        ("rgb8", (4, 4), 12, 47, "and 47 bytes in all"),
        ("rgb8", (4, 4), 12, 96, "and 96 bytes in all"),
        ("rgb8", (0, 4), 0, 0, "0x4"),
        ("yuyv", (5, 4), 10, 40, "even number of columns, got 5"),
    ],
)
def test_raw_with_data_of_a_wrong_length_is_refused(
    encoding: str, size: tuple[int, int], step: int, length: int, expected_words: str
) -> None:
    with pytest.raises(ImageError, match=expected_words):
        ImageConverter(32, 18).raw(encoding, *size, step, bytes(length))


JPEG, PNG = (cv2.imencode(kind, noise(32, 32))[1].tobytes() for kind in (".jpg", ".png"))


@pytest.mark.parametrize(
    ("data", "expected_words"),
    [
        (b"", "neither JPEG nor PNG"),
        (b"GIF89a", "neither JPEG nor PNG"),
        (JPEG[: len(JPEG) // 2], "cut off"),
        (JPEG[:4] + b"\xff\xd9", "jpeg picture of 6 bytes cannot be decoded"),
        (PNG[:40], "png picture of 40 bytes cannot be decoded"),
    ],
)
def test_compressed_with_other_data_is_refused(data: bytes, expected_words: str) -> None:
    with pytest.raises(ImageError, match=expected_words):
        ImageConverter(32, 18).compressed(data)
