"""Painted tables with a bag and clutter, as a cheap webcam sees them in many lights: for want of real pictures."""

import cv2
import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.load import resolve
from async_rl_core.tasks.mask import MaskConfig
from async_rl_core.tasks.visual_reacher import BagParameters

Image = NDArray[np.float64]
Picture = NDArray[np.uint8]
Region = NDArray[np.bool_]

SIZE = (90, 160)
GREY_WOOD = (138, 132, 125)
CLOTH = (178, 24, 34)
CLOTHS = {
    "crimson": CLOTH,
    "scarlet": (190, 60, 40),
    "orange red": (200, 60, 30),
    "faded": (150, 60, 62),
}
CLUTTER = {
    "pale skin": (226, 178, 155),
    "flushed skin": (205, 128, 112),
    "tanned skin": (186, 128, 98),
    "dark skin": (98, 62, 46),
    "oak": (176, 132, 84),
    "cherry wood": (141, 82, 58),
    "mahogany": (98, 48, 30),
    "cardboard": (168, 130, 92),
    "orange": (232, 110, 28),
    "pink paper": (236, 170, 182),
    "brick": (168, 84, 62),
    "violet": (120, 50, 140),
    "blue": (38, 66, 150),
    "black": (22, 20, 22),
    "white": (240, 240, 236),
}
LIGHTS = {  # gains of red, green and blue
    "daylight": (1.0, 1.0, 1.0),
    "dim": (0.42, 0.42, 0.42),
    "bright": (1.35, 1.35, 1.35),
    "warm": (1.12, 0.97, 0.78),
    "cool": (0.90, 0.98, 1.14),
    "tungsten": (1.25, 0.95, 0.65),  # with a weak white balance
    "dim tungsten": (0.62, 0.48, 0.33),
}


def default() -> MaskConfig:
    """Returns the mask of the task's settings."""
    return BagParameters.from_config(resolve("laptop", {}, "panda")).mask


def ellipse(centre: tuple[int, int], axes: tuple[int, int]) -> Region:
    return cv2.ellipse(np.zeros(SIZE, np.uint8), centre, axes, 0, 0, 360, 1, -1) > 0


def table(rng: np.random.Generator) -> Image:
    """Grey wood with a grain, under light that falls off to one side."""
    grain = cv2.GaussianBlur(rng.normal(0, 1, SIZE), (31, 1), 0) * 25
    slope = np.linspace(1.1, 0.85, SIZE[1])
    return (np.array(GREY_WOOD)[None, None] + grain[:, :, None]) * slope[None, :, None]


def bag(image: Image, mask: Region, cloth: tuple[int, int, int] = CLOTH) -> None:
    """Cloth that is bright on one side, dark on the other, with folds and a dull highlight."""
    rows, columns = np.nonzero(mask)
    across = (columns - columns.min()) / max(np.ptp(columns), 1)
    folds = 0.9 + 0.1 * np.sin(rows * 1.3 + columns * 0.4)
    shade = (1.15 - 0.7 * across) * folds
    shine = 0.3 * np.exp(-((across - 0.25) ** 2) / 0.02)
    image[mask] = np.array(cloth) * shade[:, None] * (1 - shine[:, None]) + 255 * shine[:, None] * 0.8


def photograph(image: NDArray[np.floating] | Picture, light: str, rng: np.random.Generator) -> Picture:
    """Returns the picture of a cheap webcam: light, blur, noise, JPEG."""
    lit = np.clip(image * np.array(LIGHTS[light]), 0, 255)
    noisy = cv2.GaussianBlur(lit, (3, 3), 0.7) + rng.normal(0, 4.0, image.shape)
    _, code = cv2.imencode(".jpg", np.clip(noisy, 0, 255).astype(np.uint8)[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])
    return np.ascontiguousarray(cv2.imdecode(code, cv2.IMREAD_COLOR)[:, :, ::-1])


def overlap(found: Region, truth: Region) -> float:
    return float((found & truth).sum() / (found | truth).sum())
