"""Explanation of a silence by the lateness of the guard's own loop."""

import pytest

from async_rl_core.safety.halt_log import HaltLog


def test_halt_log_within_counts_overlaps_and_splits_them() -> None:
    halts = HaltLog()
    halts.cycle(due=1.000, now=1.060, queued=0.0)
    halts.cycle(due=1.068, now=1.098, queued=0.020)
    assert halts.within(1.0, 1.101) == pytest.approx((0.070, 0.020))
    assert halts.within(1.040, 1.060) == pytest.approx((0.020, 0.0))
    assert halts.within(2.0, 2.1) == (0.0, 0.0)


def test_halt_log_explain_names_each_part_but_no_small_one() -> None:
    halts = HaltLog()
    halts.cycle(due=1.000, now=1.001, queued=0.0)
    halts.cycle(due=1.008, now=1.011, queued=0.0)
    assert halts.explain(1.0, 1.101) == ""
    halts.cycle(due=1.016, now=1.076, queued=0.0)
    assert halts.explain(1.0, 1.101) == "the whole machine halted for 63 ms"
    halts.cycle(due=1.080, now=1.100, queued=0.020)
    assert halts.explain(1.079, 1.101) == "other processes kept the guard from a processor for 20 ms"
