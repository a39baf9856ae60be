"""The loop's beat and its stamps, on clocks of the test's own."""

from collections.abc import Iterator

import pytest

from robot_sim_node.clock import FixedRateClock, StampClock


def test_beat_counts_what_it_missed() -> None:
    beat = FixedRateClock(0.008, 100.0)
    assert beat.due == pytest.approx(100.008)
    assert beat.advance(100.0081) == 0
    assert beat.elapsed == pytest.approx(0.008)
    assert beat.advance(100.0409) == 3
    assert beat.elapsed == pytest.approx(0.040)
    assert beat.due == pytest.approx(100.048)


def test_held_time_does_not_count() -> None:
    beat = FixedRateClock(0.008, 100.0)
    beat.advance(100.008)
    beat.hold(5.0)
    assert beat.advance(105.0165) == 0
    assert beat.elapsed == pytest.approx(0.016)


def test_stamp_takes_the_tightest_reading() -> None:
    def steady() -> Iterator[int]:
        yield from (0, 9_000_000)  # interrupted between the two
        yield from (10_000_000, 10_000_200)
        yield from (11_000_000, 12_000_000)

    def system() -> Iterator[int]:
        yield from (5_008_000_000, 5_010_000_100, 5_011_000_001)

    steady_clock, system_clock = steady(), system()
    clock = StampClock(lambda: next(steady_clock), lambda: next(system_clock), readings=3)
    assert clock.stamp(0.0) == 5_000_000_000
    assert clock.stamp(1.5) == 6_500_000_000
