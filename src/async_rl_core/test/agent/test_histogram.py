import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from async_rl_core.agent.histogram import Histogram


@given(st.lists(st.floats(0.02, 5000.0), min_size=1, max_size=300), st.floats(1, 100))
def test_percentile_is_right_to_a_bin(samples: list[float], percent: float) -> None:
    histogram = Histogram("lateness")
    for sample in samples:
        histogram.add(sample)
    exact = float(np.percentile(samples, percent, method="inverted_cdf"))
    assert exact * 0.999 <= histogram.percentile(percent) <= exact * 1.07


def test_empty_and_out_of_range() -> None:
    histogram = Histogram("lateness")
    assert histogram.percentile(99) == 0.0
    histogram.add(-3.0)
    histogram.add(1e9)
    assert histogram.counts.sum() == 2
    assert histogram.max == 1e9
