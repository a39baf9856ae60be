"""Lateness of deadlines that halts of the machine cause."""

import time

import numpy as np
import pytest

from faults.halt_monitor import BINS, RESOLUTION, HaltMonitor, _lateness


def test_lateness_of_halts_is_the_share_of_deadlines_in_them():
    counts = np.zeros(BINS)
    counts[round(0.040 / RESOLUTION)] = 10
    # Of 100 s, ten halts of 40 ms: a thousandth of all moments is in their first 10 ms.
    assert _lateness(counts, 100.0, 0.001) == pytest.approx(0.030, abs=RESOLUTION)
    assert _lateness(counts, 100.0, 0.004) == 0.0


def test_halt_monitor_after_its_end_knows_its_longest_halt():
    with HaltMonitor() as monitor:
        time.sleep(0.3)
    assert 0.0 <= monitor.lateness(99.9) <= monitor.longest
