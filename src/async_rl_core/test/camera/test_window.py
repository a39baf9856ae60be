"""The visible part of a picture."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_rl_core.camera.window import window

side = st.integers(2, 2000)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((640, 480), (slice(60, 420), slice(0, 640))),
        ((1280, 720), (slice(0, 720), slice(0, 1280))),
        ((1280, 360), (slice(0, 360), slice(320, 960))),
        ((480, 640), (slice(185, 455), slice(0, 480))),
        ((160, 90), (slice(0, 90), slice(0, 160))),
        ((1, 1), (slice(0, 1), slice(0, 1))),
    ],
)
def test_window_of_sixteen_to_nine_is_centred(size: tuple[int, int], expected: tuple[slice, slice]) -> None:
    assert window(*size, (160, 90)) == expected


@given(side, side, side, side, st.sampled_from([1, 2]))
def test_window_is_the_largest_centred_part(width: int, height: int, wide: int, high: int, grain: int) -> None:
    width -= width % grain
    rows, columns = window(width, height, (wide, high), grain)
    w, h = columns.stop - columns.start, rows.stop - rows.start
    assert columns.start >= 0 and columns.stop <= width and w >= grain
    assert rows.start >= 0 and rows.stop <= height and h >= 1
    assert w % grain == columns.start % grain == 0
    # All of the width or all of the height, and the other side as the aspect wants it.
    aspect = Fraction(wide, high)
    assert w > width - grain or h == height
    assert w == width or abs(w - h * aspect) <= max(grain, aspect)
    assert h == height or abs(h - w / aspect) <= max(1, grain / aspect)
    assert abs(columns.start - (width - columns.stop)) <= 2 * grain
    assert abs(rows.start - (height - rows.stop)) <= 1
