"""Marks are where the points are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from async_rl_core.monitoring.overlay import GREEN, MIN_WIDTH, annotate, scale_factor


@given(height=st.integers(18, 1080), width=st.integers(32, 1920))
def test_scale_factor_makes_pictures_wide_and_even(height: int, width: int) -> None:
    factor = scale_factor(height, width)
    assert factor * width >= MIN_WIDTH
    assert factor * width % 2 == factor * height % 2 == 0


@pytest.mark.parametrize(
    ("point", "pixel"), [((-1, -1), (0, 0)), ((1, 1), (359, 639)), ((0, 0), (180, 320)), ((1, -1), (0, 639))]
)
def test_annotate_marks_the_points(point: tuple[float, float], pixel: tuple[int, int]) -> None:
    image = np.full((45, 80, 3), 128, np.uint8)
    picture = annotate(image, np.array([point], np.float32))
    assert picture.shape == (360, 640, 3)
    assert tuple(picture[pixel]) == GREEN
    marked = np.argwhere((picture == GREEN).all(axis=-1))
    assert np.abs(marked - pixel).max() <= 6
    assert (image == 128).all()


@given(points=hnp.arrays(np.float32, st.tuples(st.integers(0, 8), st.just(2))))
def test_annotate_accepts_any_point(points: NDArray[np.float32]) -> None:
    assert annotate(np.zeros((18, 32, 3), np.uint8), points).shape == (360, 640, 3)
