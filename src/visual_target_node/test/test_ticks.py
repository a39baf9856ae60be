"""The node's clockwork."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visual_target_node.ticks import Ticks


@given(period=st.floats(0.01, 2.0), start=st.floats(0, 1e6), delays=st.lists(st.floats(0, 5.0), max_size=50))
def test_no_tick_comes_early_or_twice(period: float, start: float, delays: list[float]) -> None:
    ticks = Ticks(period, start)
    now, seen = start, [0.0]
    for delay in delays:
        now += delay
        if ticks.advance(now):
            seen.append(ticks.elapsed)
    assert seen == sorted(set(seen))
    assert seen[-1] <= now - start + 1e-6
    assert ticks.wait(now) <= period + 1e-6


def test_waiting_for_the_next_tick_makes_it_due() -> None:
    ticks = Ticks(0.032, 10.0)
    assert not ticks.advance(10.0)
    assert ticks.wait(10.0) == pytest.approx(0.032)
    assert ticks.advance(10.0 + ticks.wait(10.0))
    assert ticks.elapsed == 0.032


def test_a_late_reader_sees_the_newest_tick_only() -> None:
    ticks = Ticks(0.032, 0.0)
    assert ticks.advance(0.33)
    assert ticks.elapsed == pytest.approx(0.32)
    assert not ticks.advance(0.331)


def test_restart_begins_at_nought() -> None:
    ticks = Ticks(1.0, 0.0)
    ticks.advance(5.5)
    ticks.restart(5.5)
    assert ticks.elapsed == 0.0
    assert ticks.wait(5.5) == 1.0
