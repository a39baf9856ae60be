"""The bag's pixels and nothing else, whatever the light: on painted tables, for want of real pictures."""

from collections.abc import Mapping

import cv2
import numpy as np
import pytest
from matplotlib.cbook import get_sample_data
from numpy.typing import NDArray

from async_rl_core.config.load import resolve
from async_rl_core.tasks.mask import ColourMask, MaskConfig
from async_rl_core.tasks.visual_reacher import BagParameters

Image = NDArray[np.float64]
SIZE = (90, 160)
GREY_WOOD = (138, 132, 125)
CLOTH = (178, 24, 34)
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
}


def default() -> MaskConfig:
    return BagParameters.of(resolve("laptop", {}, "panda")).mask


def ellipse(centre: tuple[int, int], axes: tuple[int, int]) -> NDArray[np.bool_]:
    return cv2.ellipse(np.zeros(SIZE, np.uint8), centre, axes, 0, 0, 360, 1, -1) > 0


def table(rng: np.random.Generator) -> Image:
    """Grey wood with a grain, under light that falls off to one side."""
    grain = cv2.GaussianBlur(rng.normal(0, 1, SIZE), (31, 1), 0) * 25
    slope = np.linspace(1.1, 0.85, SIZE[1])
    return (np.array(GREY_WOOD)[None, None] + grain[:, :, None]) * slope[None, :, None]


def bag(image: Image, mask: NDArray[np.bool_]) -> None:
    """Cloth that is bright on one side, dark on the other, with folds and a dull highlight."""
    rows, columns = np.nonzero(mask)
    across = (columns - columns.min()) / max(np.ptp(columns), 1)
    folds = 0.9 + 0.1 * np.sin(rows * 1.3 + columns * 0.4)
    shade = (1.15 - 0.7 * across) * folds
    shine = 0.3 * np.exp(-((across - 0.25) ** 2) / 0.02)
    image[mask] = np.array(CLOTH) * shade[:, None] * (1 - shine[:, None]) + 255 * shine[:, None] * 0.8


def photograph(image: Image, light: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    """As a cheap webcam sees it: light, blur, noise, JPEG."""
    lit = np.clip(image * np.array(LIGHTS[light]), 0, 255)
    noisy = cv2.GaussianBlur(lit, (3, 3), 0.7) + rng.normal(0, 4.0, image.shape)
    _, code = cv2.imencode(".jpg", np.clip(noisy, 0, 255).astype(np.uint8)[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])
    return np.ascontiguousarray(cv2.imdecode(code, cv2.IMREAD_COLOR)[:, :, ::-1])


def overlap(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return float((found & truth).sum() / (found | truth).sum())


@pytest.mark.parametrize("light", LIGHTS)
def test_the_bag_is_found_whole_in_every_light(light: str) -> None:
    rng = np.random.default_rng(1)
    for centre, axes in (((80, 45), (14, 12)), ((30, 70), (9, 8)), ((90, 40), (55, 42))):
        image, truth = table(rng), ellipse(centre, axes)
        bag(image, truth)
        assert overlap(ColourMask(default())(photograph(image, light, rng)), truth) > 0.8


@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("name", CLUTTER)
def test_nothing_else_counts(name: str, light: str) -> None:
    rng = np.random.default_rng(2)
    image = table(rng)
    image[ellipse((70, 45), (40, 30))] = CLUTTER[name]
    assert ColourMask(default())(photograph(image, light, rng)).mean() < 0.001


@pytest.mark.parametrize("light", ["daylight", "dim", "warm", "cool"])
def test_a_photographs_red_cloth_counts_and_its_skin_does_not(light: str) -> None:
    """Matplotlib's sample picture: a face before a flag."""
    with get_sample_data("grace_hopper.jpg") as file:
        code = np.frombuffer(file.read(), np.uint8)
    picture = cv2.imdecode(code, cv2.IMREAD_COLOR)[:, :, ::-1] * np.array(LIGHTS[light])
    mask = ColourMask(default())(np.clip(picture, 0, 255).astype(np.uint8))
    flag, face = mask[310:350, 80:120], mask[110:340, 150:380]
    assert flag.mean() > 0.8
    assert face.mean() < 0.005


def test_what_the_bag_lies_on_does_not_join_it() -> None:
    rng = np.random.default_rng(3)
    image = table(rng)
    image[ellipse((80, 50), (70, 35))] = CLUTTER["tanned skin"]
    truth = ellipse((80, 45), (14, 12))
    bag(image, truth)
    assert overlap(ColourMask(default())(photograph(image, "daylight", rng)), truth) > 0.8


def hsv_image(*pixels: tuple[int, int, int]) -> NDArray[np.uint8]:
    return cv2.cvtColor(np.array([pixels], np.uint8), cv2.COLOR_HSV2RGB)


def single(**changes: object) -> MaskConfig:
    """One threshold, as the papers have it: that of their code."""
    code = {"core": {"hue": (151, 179), "saturation": 155, "value": 84}, "edge": None, "closing": 0}
    return MaskConfig.model_validate({**code, **changes})


def test_the_codes_threshold_is_an_option() -> None:
    inside, outside = (165, 200, 200), [(140, 200, 200), (165, 140, 200), (165, 200, 70), (2, 200, 200)]
    assert ColourMask(single())(hsv_image(inside, *outside)).tolist() == [[True, False, False, False, False]]


def test_hues_go_over_179_to_0() -> None:
    image = hsv_image((170, 250, 250), (3, 250, 250), (60, 250, 250), (20, 250, 250))
    assert ColourMask(single(core={"hue": (168, 6), "saturation": 155, "value": 84}))(image).tolist() == [
        [True, True, False, False]
    ]


def test_closing_fills_gaps_as_wide_as_ten_pixels() -> None:
    image = np.full((50, 70, 3), 255, np.uint8)
    image[10:40, 10:60] = (200, 10, 60)
    image[10:40, 30:39] = 255

    def pixels(config: Mapping[str, object]) -> int:
        return int(ColourMask(single(**config))(image).sum())

    assert pixels({"closing": 0}) == 30 * 41
    assert pixels({"closing": 5}) == 30 * 50


def test_an_image_may_be_a_view_and_is_left_alone() -> None:
    padded = np.random.default_rng(0).integers(0, 256, (40, 70, 3), dtype=np.uint8)
    before = padded.copy()
    mask = ColourMask(default())
    assert np.array_equal(mask(padded[:, :60]), mask(np.ascontiguousarray(padded[:, :60])))
    assert np.array_equal(padded, before)
