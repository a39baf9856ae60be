"""Motion after a gap in the commands or in the joint states."""

import numpy as np
import pytest

from async_rl_core.config.catalogue import robots
from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.safety.resumption import MeasuredVelocity, Resumption
from async_rl_core.safety.states import GuardMode

from .halted import CYCLE, SPEED, HaltedGuard, ScheduledGuard

CATCHING_UP = (0.015, 0.039, 0.055, 0.071, 0.087)
"""Seconds of halts that end 1 ms before a deadline of the earlier grid, between the same two joint states."""
HALTS = (0.018, 0.024, 0.028, 0.036, 0.048, 0.064, 0.092)
OVERSHOOT = 1.5
"""Multiple of the acceleration limit that the simulated joints may reach in an ordinary ramp."""


def allowed(config: Config) -> float:
    """Returns the speed-up of a joint in rad/s that is allowed in a cycle."""
    return OVERSHOOT * max(config.robot.limits.acceleration) * CYCLE


@pytest.mark.parametrize("says", [True, False], ids=["with velocities", "without"])
@pytest.mark.parametrize("robot", robots())
def test_arm_after_a_halt_of_the_guard_does_not_jump(robot: str, says: bool) -> None:
    config = resolve("laptop", {}, robot)
    bench = HaltedGuard(config, says=says)
    for seconds in HALTS:
        bench.halt(seconds)
        assert bench.cycle(25) <= allowed(config), seconds
        assert np.abs(bench.arm.velocity).min() > SPEED - 0.02, seconds  # it continues
        bench.turn()
    assert bench.guard.state is GuardMode.ARMED


@pytest.mark.parametrize("says", [True, False], ids=["with velocities", "without"])
@pytest.mark.parametrize("robot", robots())
def test_schedule_after_a_halt_does_not_catch_up(robot: str, says: bool) -> None:
    config = resolve("laptop", {}, robot)
    bench = ScheduledGuard(config, says=says)
    for seconds in CATCHING_UP:
        assert bench.run(0.4, seconds) <= allowed(config), seconds
        bench.turn()
    assert bench.guard.state is GuardMode.ARMED


@pytest.mark.parametrize("says", [True, False], ids=["with velocities", "without"])
def test_arm_that_holds_its_velocity_after_a_halt_is_not_stopped_hard(config: Config, says: bool) -> None:
    bench = HaltedGuard(config, holds=True, says=says)
    stop = max(config.robot.limits.stop_acceleration) * CYCLE
    for seconds in HALTS:
        bench.halt(seconds)
        before = np.abs(bench.arm.velocity)
        assert bench.cycle(1) <= allowed(config)
        assert (before - np.abs(bench.arm.velocity)).max() <= 1.2 * stop, seconds
        assert bench.cycle(25) <= allowed(config), seconds
        bench.turn()
    assert bench.guard.state is GuardMode.ARMED


@pytest.mark.parametrize("gaps", [(0.04, 0.04), (0.06, 0.02), (0.02, 0.06)])
def test_resumption_of_two_gaps_in_a_row_handles_both(config: Config, gaps: tuple[float, float]) -> None:
    bench = HaltedGuard(config)
    for seconds in gaps:
        bench.halt(seconds)
        assert bench.cycle(1) <= allowed(config)
    assert bench.cycle(25) <= allowed(config)


@pytest.mark.parametrize("event", ["disarm", "fail"])
def test_stop_after_a_halt_begins_at_the_arms_velocity(config: Config, event: str) -> None:
    bench = HaltedGuard(config)
    bench.halt(0.15)
    bench.guard.disarm(bench.time) if event == "disarm" else bench.guard.fail(bench.time, "a test")
    assert bench.cycle(20) <= 0.01
    assert bench.arm.at_rest


@pytest.mark.parametrize("says", [True, False], ids=["with velocities", "without"])
@pytest.mark.parametrize("seconds", [0.032, 0.048, 0.064, 0.08])
def test_arm_after_a_halt_of_the_robots_side_does_not_jump(config: Config, seconds: float, says: bool) -> None:
    bench = HaltedGuard(config, says=says)
    bench.be_deaf(seconds)
    assert bench.cycle(25) <= allowed(config)
    assert np.abs(bench.arm.velocity).min() > SPEED - 0.02
    assert bench.guard.state is GuardMode.ARMED


def test_arm_without_joint_states_after_a_halt_is_brought_to_rest(config: Config) -> None:
    bench = HaltedGuard(config)
    bench.halt(0.03)
    bench.hears = False
    bench.cycle(6)
    assert bench.arm.at_rest


def test_measured_velocity_uses_only_states_received_since() -> None:
    measured = MeasuredVelocity()
    measured.take(1.0, 1_000_000_000, [0.1], [])
    measured.take(1.008, 1_008_000_000, [0.104], [])
    assert measured.since(0.9) == pytest.approx([0.5])
    assert measured.since(1.004) is None  # by one state alone
    measured.take(1.016, 1_016_000_000, [0.11], [0.7])
    assert measured.since(1.012) == [0.7]
    assert measured.since(1.016) is None


def test_resumption_of_a_gap_at_rest_ignores_it(config: Config) -> None:
    resumption, moving, still = Resumption(config.robot, holds=False), [0.1] * 6, [0.0] * 6
    for i in range(60):
        now = 1.0 + i * CYCLE
        resumption.on_joint_state(now, round(1e9 * now), still, still)
        if i % 20 == 0:
            gap = resumption.watch(now, moving if i == 40 else still)
    assert gap == pytest.approx(20 * CYCLE)
    assert resumption.open


def test_arm_without_joint_states_for_a_moment_slows_down(config: Config) -> None:
    bench = HaltedGuard(config)
    bench.hears = False
    bench.cycle(6)
    assert np.abs(bench.arm.velocity).max() < SPEED - 0.1
    bench.hears = True
    bench.cycle(15)
    assert np.abs(bench.arm.velocity).min() > SPEED - 0.02
