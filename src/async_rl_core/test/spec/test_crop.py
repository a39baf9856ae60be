import numpy as np
import pytest

from async_rl_core.config.load import resolve
from async_rl_core.errors import ConfigError
from async_rl_core.spec.crop import Crop


@pytest.mark.parametrize(("width", "height", "expected"), [(160, 90, (156, 88)), (320, 180, (314, 176))])
def test_crop_sizes_are_those_of_the_paper(width: int, height: int, expected: tuple[int, int]) -> None:
    crop = Crop(height, width, 0.01)
    assert (crop.width, crop.height) == expected


def test_crop_of_fraction_0_keeps_the_image() -> None:
    crop = Crop(90, 160, 0.0)
    assert (crop.width, crop.height) == (160, 90)
    assert not crop.offsets(np.random.default_rng(0), 50).any()


def test_center_of_any_stack_cuts_the_margins() -> None:
    image = np.arange(2 * 9 * 20 * 3, dtype=np.uint8).reshape(2, 9, 20, 3)
    crop = Crop(9, 20, 0.1)
    np.testing.assert_array_equal(crop.center(image), image[:, 1:8, 2:18])


@pytest.mark.parametrize(("form", "most"), [("paper", (2, 4)), ("code", (1, 2))])
def test_offsets_cover_exactly_their_range(form: str, most: tuple[int, int]) -> None:
    offsets = Crop(90, 160, 0.01, form).offsets(np.random.default_rng(0), 2000)  # type: ignore[arg-type]
    for axis in (0, 1):
        values, counts = np.unique(offsets[:, axis], return_counts=True)
        np.testing.assert_array_equal(values, np.arange(most[axis] + 1))
        assert counts.min() > 0.7 * counts.max()


def test_crop_without_a_pixel_left_is_refused() -> None:
    with pytest.raises(ConfigError, match="leaves nothing"):
        Crop(4, 4, 0.5)


def test_crop_from_config_has_its_settings() -> None:
    config = resolve("yuan2022_baseline", {})
    assert Crop.from_config(config) == Crop(90, 160, 0.01, "paper")
