from hypothesis import given
from hypothesis import strategies as st

from async_rl_core.realtime.schedule import MAX_SLEW, Schedule

PERIOD = 0.04


def test_schedule_first_frame_sets_the_phase() -> None:
    schedule = Schedule(PERIOD, PERIOD, margin=0.001, start=100.0)
    schedule.follow(100.013)
    assert abs((schedule.due - 100.014) / PERIOD % 1) < 1e-6 or abs((schedule.due - 100.014) / PERIOD % 1 - 1) < 1e-6


@given(st.lists(st.floats(0.0, 0.035), min_size=50, max_size=200))
def test_schedule_late_frames_move_the_grid_by_no_more_than_the_slew(delays: list[float]) -> None:
    schedule = Schedule(PERIOD, PERIOD, margin=0.001, start=0.0)
    schedule.follow(0.002)
    for k, delay in enumerate(delays, start=1):
        before = schedule.due
        schedule.follow(0.002 + k * PERIOD + delay)
        assert abs(schedule.due - before) <= MAX_SLEW + 1e-12
        assert schedule.advance(schedule.due) == 0


def test_schedule_after_a_late_cycle_restarts_the_grid() -> None:
    schedule = Schedule(PERIOD, PERIOD, margin=0.0, start=0.0, restart_after=0.01)
    assert schedule.advance(PERIOD + 0.009) == 0
    assert schedule.due == 2 * PERIOD
    assert schedule.advance(4.9 * PERIOD) == 2
    assert schedule.due == 5.9 * PERIOD


def test_schedule_follows_a_camera_whose_clock_drifts() -> None:
    schedule = Schedule(PERIOD, PERIOD, margin=0.001, start=0.0)
    arrival = 0.002
    for _ in range(2000):
        arrival += PERIOD * 1.0005
        schedule.follow(arrival)
        schedule.advance(schedule.due)
    error = (schedule.due - (arrival + 0.001)) % PERIOD
    assert min(error, PERIOD - error) < 0.001


@given(lag=st.floats(0.0, 0.01), work=st.floats(0.001, 0.01))
def test_schedule_leaves_a_phase_in_which_each_arrival_falls_into_the_work_of_a_cycle(lag: float, work: float) -> None:
    schedule = Schedule(PERIOD, PERIOD, margin=0.001, start=0.0)
    first = schedule.due + min(lag, work)
    for k in range(100):
        arrival, done = first + k * PERIOD, schedule.due + work
        if arrival <= schedule.due or arrival > done:
            schedule.follow(arrival)
        else:
            schedule.postpone()
        schedule.advance(schedule.due)
    assert arrival <= schedule.due - PERIOD <= arrival + 0.002


@given(st.floats(0.0, 2.0))
def test_schedule_missed_cycles_are_those_without_a_command(lateness: float) -> None:
    schedule = Schedule(PERIOD, PERIOD, margin=0.001, start=0.0)
    now = schedule.due + lateness
    missed = schedule.advance(now)
    assert missed == int((now - PERIOD) / PERIOD)
    assert now - 1e-9 < schedule.due <= now + PERIOD + 1e-9


def test_schedule_longer_cycle_keeps_the_camera_phase() -> None:
    schedule = Schedule(2 * PERIOD, PERIOD, margin=0.001, start=0.0)
    for k in range(200):
        schedule.follow(0.005 + k * PERIOD)
        if k % 2:
            schedule.advance(schedule.due)
    phase = (schedule.due - 0.006) % PERIOD
    assert min(phase, PERIOD - phase) < 1e-6
