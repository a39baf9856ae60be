"""The stamps, on clocks of the test's own."""

from collections.abc import Iterator

from robot_sim_node.stamp_clock import StampClock


def test_stamp_clock_takes_the_tightest_reading() -> None:
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
