"""The bag's pixels and nothing else, whatever the light: on painted tables, for want of real pictures."""

from collections.abc import Mapping

import cv2
import numpy as np
import pytest
from matplotlib.cbook import get_sample_data
from numpy.typing import NDArray

from async_rl_core.tasks.mask import ColourMask, MaskConfig

from .pictures import CLOTH, CLOTHS, CLUTTER, LIGHTS, bag, default, ellipse, overlap, photograph, table


@pytest.mark.parametrize("light", LIGHTS)
def test_mask_bag_is_found_whole_in_every_light(light: str) -> None:
    rng = np.random.default_rng(1)
    for centre, axes in (((80, 45), (14, 12)), ((30, 70), (9, 8)), ((90, 40), (55, 42))):
        image, truth = table(rng), ellipse(centre, axes)
        bag(image, truth)
        assert overlap(ColourMask(default())(photograph(image, light, rng)), truth) > 0.8


@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("name", CLUTTER)
def test_mask_nothing_else_counts(name: str, light: str) -> None:
    if name == "violet" and "tungsten" in light:
        pytest.skip("it is crimson to this camera")
    rng = np.random.default_rng(2)
    image = table(rng)
    image[ellipse((70, 45), (40, 30))] = CLUTTER[name]
    assert ColourMask(default())(photograph(image, light, rng)).mean() < 0.001


@pytest.mark.parametrize("light", ["daylight", "dim", "warm", "cool"])
def test_mask_photographs_red_cloth_counts_and_its_skin_does_not(light: str) -> None:
    """Matplotlib's sample picture: a face before a flag."""
    with get_sample_data("grace_hopper.jpg") as file:
        code = np.frombuffer(file.read(), np.uint8)
    picture = cv2.imdecode(code, cv2.IMREAD_COLOR)[:, :, ::-1] * np.array(LIGHTS[light])
    mask = ColourMask(default())(np.clip(picture, 0, 255).astype(np.uint8))
    flag, face = mask[310:350, 80:120], mask[110:340, 150:380]
    assert flag.mean() > 0.8
    assert face.mean() < 0.005


LIT = [light for light in LIGHTS if "dim" not in light]


@pytest.mark.parametrize("light", LIT)
@pytest.mark.parametrize(("cloth", "share"), [("scarlet", 0.75), ("orange red", 0.2), ("faded", 0.4)])
def test_mask_other_reds_are_found_in_part_at_least(cloth: str, share: float, light: str) -> None:
    """Orange red is skin's colour under warm light, and what shines on faded cloth is pale skin's."""
    rng = np.random.default_rng(4)
    image, truth = table(rng), ellipse((80, 45), (14, 12))
    bag(image, truth, CLOTHS[cloth])
    assert overlap(ColourMask(default())(photograph(image, light, rng)), truth) > share


@pytest.mark.parametrize(
    ("cloth", "light"), [*(("crimson", light) for light in LIGHTS), *(("scarlet", light) for light in LIT)]
)
@pytest.mark.parametrize("name", ["flushed skin", "tanned skin", "cherry wood", "mahogany", "brick"])
def test_mask_what_the_bag_touches_does_not_hide_it(name: str, cloth: str, light: str) -> None:
    rng = np.random.default_rng(3)
    image, truth = table(rng), ellipse((80, 45), (14, 12))
    image[ellipse((80, 50), (70, 35))] = CLUTTER[name]
    bag(image, truth, CLOTHS[cloth])
    found = ColourMask(default())(photograph(image, light, rng))
    assert (found & truth).sum() > (0.9 if cloth == "crimson" else 0.5) * truth.sum()
    assert (found & ~truth).mean() < 0.06


def test_mask_shadow_takes_the_bag_away_bit_by_bit_and_not_at_once() -> None:
    shares = []
    for columns in range(0, 29, 4):
        rng = np.random.default_rng(5)
        image, truth = table(rng), ellipse((80, 45), (14, 12))
        image[truth] = CLOTH
        shadow = truth.copy()
        shadow[:, 66 + columns :] = False
        image[shadow] = (70, 40, 36)  # lit by what the table reflects
        found = ColourMask(default())(photograph(image, "daylight", rng))
        shares.append((found & truth).sum() / truth.sum())
        assert shares[-1] > 0.7 * (truth & ~shadow).sum() / truth.sum() - 0.05
    assert shares[0] > 0.9


def test_mask_what_the_bag_lies_on_does_not_join_it() -> None:
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


def test_mask_codes_threshold_is_an_option() -> None:
    inside, outside = (165, 200, 200), [(140, 200, 200), (165, 140, 200), (165, 200, 70), (2, 200, 200)]
    assert ColourMask(single())(hsv_image(inside, *outside)).tolist() == [[True, False, False, False, False]]


def test_mask_without_an_edge_there_is_but_one_threshold() -> None:
    more = [{"hue": (0, 4), "saturation": 140, "value": 45}]
    image = hsv_image((2, 200, 200))
    assert not ColourMask(single(also=more))(image).any()
    edge = {"hue": (158, 7), "saturation": 110, "value": 25}
    assert ColourMask(single(also=more, edge=edge))(np.tile(image, (9, 9, 1))).all()


def test_mask_hues_go_over_179_to_0() -> None:
    image = hsv_image((170, 250, 250), (3, 250, 250), (60, 250, 250), (20, 250, 250))
    assert ColourMask(single(core={"hue": (168, 6), "saturation": 155, "value": 84}))(image).tolist() == [
        [True, True, False, False]
    ]


def test_mask_closing_fills_gaps_as_wide_as_ten_pixels() -> None:
    image = np.full((50, 70, 3), 255, np.uint8)
    image[10:40, 10:60] = (200, 10, 60)
    image[10:40, 30:39] = 255

    def pixels(config: Mapping[str, object]) -> int:
        return int(ColourMask(single(**config))(image).sum())

    assert pixels({"closing": 0}) == 30 * 41
    assert pixels({"closing": 5}) == 30 * 50


def test_mask_image_may_be_a_view_and_is_left_alone() -> None:
    padded = np.random.default_rng(0).integers(0, 256, (40, 70, 3), dtype=np.uint8)
    before = padded.copy()
    mask = ColourMask(default())
    assert np.array_equal(mask(padded[:, :60]), mask(np.ascontiguousarray(padded[:, :60])))
    assert np.array_equal(padded, before)
