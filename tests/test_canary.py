"""How late halts of the machine make deadlines."""

import time

import numpy as np
import pytest

from faults.canary import BINS, RESOLUTION, Canary, _lateness


def test_a_halt_makes_the_deadlines_in_it_late():
    counts = np.zeros(BINS)
    counts[round(0.040 / RESOLUTION)] = 10
    # Of 100 s, ten halts of 40 ms: a thousandth of all moments is in their first 10 ms.
    assert _lateness(counts, 100.0, 0.001) == pytest.approx(0.030, abs=RESOLUTION)
    assert _lateness(counts, 100.0, 0.004) == 0.0


def test_a_canary_tells_of_the_time_in_which_it_lived():
    with Canary() as canary:
        time.sleep(0.3)
    assert 0.0 <= canary.lateness(99.9) <= canary.longest
