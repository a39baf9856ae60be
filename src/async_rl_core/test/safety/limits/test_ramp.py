import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from async_rl_core.safety.limits.ramp import REST, Motion, Ramp

CYCLE = 0.008
EPSILON = 1e-12
rates = st.tuples(st.floats(0.5, 10.0), st.floats(1.0, 3.0), st.floats(10.0, 5000.0))
goals = st.lists(st.tuples(st.floats(-1.0, 1.0) | st.sampled_from([-1.0, 0.0, 1.0]), st.integers(1, 40)), max_size=20)


def ramp_of(rates: tuple[float, float, float]) -> tuple[Ramp, float, float, float]:
    """The ramp, and by how much a cycle may change the velocity: in motion, in a stop; and the change itself."""
    acceleration, factor, jerk = rates
    stop = acceleration * factor
    return Ramp(acceleration, stop, jerk, CYCLE), acceleration * CYCLE, stop * CYCLE, jerk * CYCLE**2


@settings(max_examples=100)
@given(rates, goals, st.data())
def test_ramp_with_any_goals_keeps_its_limits(
    rates: tuple[float, float, float], goals: list[tuple[float, int]], data: st.DataObject
) -> None:
    ramp, following, braking, bend = ramp_of(rates)
    motion = REST
    for goal, cycles in goals:
        stopping = data.draw(st.booleans())
        for _ in range(cycles):
            before, motion = motion, ramp.brake(motion) if stopping else ramp.follow(motion, goal)
            change = motion[1]
            assert change == pytest.approx(motion[0] - before[0], abs=EPSILON)
            assert abs(change - before[1]) <= bend + EPSILON
            assert abs(change) <= braking + EPSILON
            if abs(motion[0]) > abs(before[0]):
                assert abs(change) <= max(following, abs(before[1]) - bend) + EPSILON
            assert abs(motion[0]) <= 1.0 + EPSILON


@settings(max_examples=100)
@given(rates, st.floats(-1.0, 1.0))
def test_ramp_reaches_its_goal_without_overshoot(rates: tuple[float, float, float], goal: float) -> None:
    ramp, *_ = ramp_of(rates)
    motion: Motion = REST
    for _ in range(5000):
        before, motion = motion, ramp.follow(motion, goal)
        assert abs(before[0]) - EPSILON <= abs(motion[0]) <= abs(goal) + EPSILON
        if motion[0] == goal:
            break
    assert motion[0] == goal
    assert ramp.follow(motion, goal) == (goal, 0.0)


@settings(max_examples=100)
@given(rates, goals)
def test_stop_positions_are_those_of_the_stop(
    rates: tuple[float, float, float], goals: list[tuple[float, int]]
) -> None:
    ramp, *_ = ramp_of(rates)
    motion = REST
    for goal, cycles in goals:
        for _ in range(cycles):
            motion = ramp.follow(motion, goal)
    way = ramp.stop_positions(0.5, motion)
    position = 0.5
    for expected in way:
        position += motion[0] * CYCLE
        assert position == pytest.approx(expected, abs=EPSILON)
        motion = ramp.brake(motion)
    assert motion == REST


def test_ramp_with_a_high_jerk_limit_is_straight() -> None:
    ramp = Ramp(6.0, 16.0, 2000.0, CYCLE)
    motion = REST
    for cycle in range(1, 10):
        motion = ramp.follow(motion, 0.8)
        assert motion[0] == pytest.approx(min(cycle * 6.0 * CYCLE, 0.8))


def test_ramp_with_a_low_jerk_limit_is_a_curve() -> None:
    ramp = Ramp(6.0, 16.0, 100.0, CYCLE)
    motion, speeds = REST, []
    while motion[0] < 0.8:
        motion = ramp.follow(motion, 0.8)
        speeds.append(motion[0])
    assert speeds[0] == pytest.approx(100.0 * CYCLE**2)
    assert len(speeds) == pytest.approx((0.8 / 6.0 + 6.0 / 100.0) / CYCLE, abs=2)  # v / a + a / j
