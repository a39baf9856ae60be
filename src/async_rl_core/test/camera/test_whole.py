"""Compressed pictures that lack a part are refused, whatever their end says; whole ones never are."""

import random

import cv2
import numpy as np
import pytest

from async_rl_core.camera.converter import ImageConverter, Pixels
from async_rl_core.errors import ImageError

END = b"\xff\xd9"
CUTS = (0.3, 0.6, 0.9, 0.97)


def scene(height: int, width: int) -> Pixels:
    """Smooth colours, and mid-grey in the corner at which a decoder fills up with mid-grey."""
    pixels = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8), (0, 0), 3)
    pixels[height // 2 :, width // 2 :] = 128
    return pixels


def encoded(kind: str, pixels: Pixels, **options: int) -> bytes:
    flags = [value for name, number in options.items() for value in (getattr(cv2, f"IMWRITE_JPEG_{name}"), number)]
    return bytes(cv2.imencode(kind, pixels, flags)[1])


@pytest.mark.parametrize("sampling", [0x411111, 0x111111, 0x221111, 0x211111], ids=hex)
@pytest.mark.parametrize("restart", [0, 3])
@pytest.mark.parametrize("progressive", [0, 1])
@pytest.mark.parametrize("size", [(37, 51), (96, 128), (8, 8)])
def test_jpeg_cut_off_with_its_end_put_back_is_refused(
    size: tuple[int, int], progressive: int, restart: int, sampling: int
) -> None:
    options = {
        "PROGRESSIVE": progressive,
        "RST_INTERVAL": restart,
        "SAMPLING_FACTOR": sampling,
        "OPTIMIZE": restart % 2,
    }
    data = encoded(".jpg", scene(*size), **options)
    converter = ImageConverter(32, 18)
    assert converter.compressed(data) is not None
    for share in CUTS:
        cut = data[: min(int(share * len(data)), len(data) - 8)] + END
        with pytest.raises(ImageError, match=r"cut off|cannot be decoded"):
            converter.compressed(cut)


def test_jpeg_that_is_grey_all_over_is_whole() -> None:
    for pixels in (np.full((48, 64, 3), 128, np.uint8), np.full((48, 64), 128, np.uint8)):
        assert (ImageConverter(32, 18).compressed(encoded(".jpg", pixels)) == 128).all()


def test_jpeg_without_huffman_tables_as_of_a_motion_jpeg_camera_is_whole() -> None:
    data = encoded(".jpg", scene(48, 64))
    start = data.index(b"\xff\xc4")
    end = data.index(b"\xff\xda")
    bare = data[:start] + data[end:]
    assert ImageConverter(32, 18).compressed(bare) is not None
    with pytest.raises(ImageError, match=r"cut off"):
        ImageConverter(32, 18).compressed(bare[: len(bare) // 2] + END)


@pytest.mark.parametrize("share", CUTS)
def test_png_cut_off_with_its_end_put_back_is_refused(share: float) -> None:
    data = encoded(".png", scene(48, 64))
    assert ImageConverter(32, 18).compressed(data) is not None
    with pytest.raises(ImageError, match=r"cut off|damaged|cannot be decoded"):
        ImageConverter(32, 18).compressed(data[: int(share * len(data))] + data[-12:])


def test_pictures_with_random_damage_are_refused_or_taken() -> None:
    rng, converter, refused = random.Random(0), ImageConverter(32, 18), 0
    whole = [encoded(".jpg", scene(45, 80), PROGRESSIVE=p, RST_INTERVAL=3) for p in (0, 1)] + [
        encoded(".png", scene(45, 80))
    ]
    for _ in range(300):
        data = bytearray(rng.choice(whole))
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            converter.compressed(bytes(data[: rng.randint(4, len(data))]))
        except ImageError:
            refused += 1
    assert refused > 200
