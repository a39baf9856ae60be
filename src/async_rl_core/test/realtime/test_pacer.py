"""The pacer on a virtual clock; `receive` moves the clock and delivers what arrives meanwhile."""

from collections import deque

import pytest

from async_rl_core.realtime.clock import VirtualClock
from async_rl_core.realtime.pacer import CATCH_UP, GRACE, Pacer
from async_rl_core.realtime.schedule import Schedule

PERIOD = 0.04


class World:
    """Frames that arrive at given times."""

    def __init__(self, arrivals: tuple[float, ...] = (), waits_for_input: bool = True) -> None:
        self.clock = VirtualClock()
        self._arrivals = deque(arrivals)
        schedule = Schedule(PERIOD, PERIOD, margin=0.0, start=0.0)
        self.pacer = Pacer(schedule, self.clock, PERIOD if waits_for_input else None)

    def receive(self, seconds: float) -> None:
        end = self.clock.now() + seconds
        if self._arrivals and self._arrivals[0] <= end:
            arrival = max(self._arrivals.popleft(), self.clock.now())
            self.clock.advance_to(arrival)
            self.pacer.note_arrival(arrival)
        else:
            self.clock.advance_to(end)

    def cycle(self, work: float = 0.0) -> tuple[float, int]:
        self.pacer.wait(self.receive)
        lateness = self.pacer.advance(self.clock.now())
        self.clock.advance_to(self.clock.now() + work)
        self.pacer.resume()
        return lateness


def test_pacer_waits_for_a_frame_that_is_a_little_late() -> None:
    world = World((0.04, 0.0812))
    world.cycle()
    lateness, missed = world.cycle()
    assert world.clock.now() == pytest.approx(0.0812)
    assert lateness == pytest.approx(0.0012, abs=2e-4)  # the grid follows a little
    assert missed == 0


def test_pacer_frame_that_does_not_come_is_waited_for_no_longer_than_the_grace() -> None:
    world = World((0.04, 0.10))
    world.cycle()
    world.cycle()
    assert world.clock.now() == pytest.approx(0.08 + GRACE)


def test_pacer_without_input_keeps_its_grid() -> None:
    world = World(waits_for_input=False)
    assert [world.cycle() for _ in range(3)] == [pytest.approx((0.0, 0))] * 3
    assert world.clock.now() == pytest.approx(3 * PERIOD)


def test_pacer_late_after_long_work_takes_in_what_came_meanwhile() -> None:
    world = World((0.04, 0.06))
    world.cycle(work=0.1)  # until 0.14, past the deadlines at 0.08 and 0.12
    start = world.clock.now()
    lateness, missed = world.cycle()
    assert world.clock.now() - start <= 2 * CATCH_UP + GRACE
    assert missed == 1
    assert lateness == pytest.approx(world.clock.now() - 0.08, abs=1e-6)  # a frame of unknown arrival moves no deadline


def test_pacer_reports_how_late_waiting_ended() -> None:
    world = World((0.04,))

    def oversleep(seconds: float) -> None:
        world.receive(seconds)
        world.clock.advance_to(world.clock.now() + 0.003)

    assert world.pacer.wait(oversleep) == pytest.approx(0.003)
