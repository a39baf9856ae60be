import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_rl_core.realtime.fixed_rate_clock import FixedRateClock


@given(period=st.floats(0.01, 2.0), start=st.floats(0, 1e6), delays=st.lists(st.floats(0, 5.0), max_size=50))
def test_fixed_rate_clock_no_tick_comes_early_or_twice(period: float, start: float, delays: list[float]) -> None:
    clock = FixedRateClock(period, start)
    now, seen = start, [0.0]
    for delay in delays:
        now += delay
        if clock.advance(now):
            seen.append(clock.elapsed)
    assert seen == sorted(set(seen))
    assert seen[-1] <= now - start + 1e-6
    assert clock.wait(now) <= period + 1e-6


def test_fixed_rate_clock_after_the_wait_the_next_tick_is_due() -> None:
    clock = FixedRateClock(0.032, 10.0)
    assert not clock.advance(10.0)
    assert clock.wait(10.0) == pytest.approx(0.032)
    assert clock.advance(10.0 + clock.wait(10.0)) == 1
    assert clock.elapsed == 0.032


def test_fixed_rate_clock_late_caller_sees_the_newest_tick_only() -> None:
    clock = FixedRateClock(0.032, 0.0)
    assert clock.advance(0.33) == 10
    assert clock.elapsed == pytest.approx(0.32)
    assert not clock.advance(0.331)


def test_fixed_rate_clock_restart_begins_at_zero() -> None:
    clock = FixedRateClock(1.0, 0.0)
    clock.advance(5.5)
    clock.restart(5.5)
    assert clock.elapsed == 0.0
    assert clock.wait(5.5) == 1.0


def test_fixed_rate_clock_counts_the_ticks_that_passed() -> None:
    clock = FixedRateClock(0.008, 100.0)
    assert clock.due == pytest.approx(100.008)
    assert clock.advance(100.0081) == 1
    assert clock.elapsed == pytest.approx(0.008)
    assert clock.advance(100.0409) == 4
    assert clock.elapsed == pytest.approx(0.040)
    assert clock.due == pytest.approx(100.048)


def test_fixed_rate_clock_held_time_does_not_count() -> None:
    clock = FixedRateClock(0.008, 100.0)
    clock.advance(100.0081)
    clock.hold(5.0)
    assert clock.advance(105.0165) == 1
    assert clock.elapsed == pytest.approx(0.016)
