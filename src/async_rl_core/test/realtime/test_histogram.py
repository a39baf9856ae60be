import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_rl_core.realtime.histogram import Histogram


@given(st.lists(st.floats(0.02, 5000.0), min_size=1, max_size=300), st.floats(1, 100))
def test_histogram_percentile_is_right_to_a_bin(samples: list[float], percent: float) -> None:
    histogram = Histogram("lateness")
    for sample in samples:
        histogram.add(sample)
    exact = float(np.percentile(samples, percent, method="inverted_cdf"))
    assert exact / 1.06 <= histogram.percentile(percent) <= exact * 1.06
    assert histogram.percentile(percent) <= histogram.max * (1 + 1e-9)


def test_histogram_percentile_of_samples_close_together_is_theirs() -> None:
    histogram = Histogram("update")
    for sample in (51.1, 51.2, 51.3, 900.0):
        histogram.add(sample)
    assert histogram.percentile(50) == pytest.approx(51.2)
    assert histogram.mean == pytest.approx((51.1 + 51.2 + 51.3 + 900.0) / 4)


@given(st.lists(st.floats(0.02, 5000.0), max_size=50), st.lists(st.floats(0.02, 5000.0), min_size=1, max_size=50))
def test_histogram_what_came_since_is_seen_alone(before: list[float], after: list[float]) -> None:
    histogram, alone = Histogram("update"), Histogram("update")
    for sample in before:
        histogram.add(sample)
    earlier = histogram.copy()
    for sample in after:
        histogram.add(sample)
        alone.add(sample)
    for percent in (50, 99):
        assert histogram.percentile(percent, since=earlier) == pytest.approx(alone.percentile(percent))


def test_histogram_empty_and_out_of_range() -> None:
    histogram = Histogram("lateness")
    assert histogram.percentile(99) == histogram.mean == 0.0
    histogram.add(-3.0)
    histogram.add(1e9)
    assert histogram.counts.sum() == 2
    assert histogram.max == 1e9
