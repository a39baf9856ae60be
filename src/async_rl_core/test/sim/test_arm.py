"""The velocity controller's semantics, and the motion that follows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from async_rl_core.config.catalogue import robots
from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.sim.arm import SimulatedArm
from async_rl_core.sim.scene import Array, Scene

VELOCITY = np.array([0.7, -0.5, 0.6, 0.7, -0.7, 0.2])
CYCLE = 0.008


def drive(arm: SimulatedArm, velocity: Array, duration: float) -> None:
    """Command as the guard does, once per cycle of 8 ms."""
    for _ in range(round(duration / CYCLE)):
        arm.command(velocity)
        arm.step(CYCLE)


def test_arm_follows_a_velocity_within_the_drivers_acceleration(arm: SimulatedArm, config: Config) -> None:
    limit = config.robot.command_acceleration
    before = arm.velocity
    for _ in range(25):
        arm.command(VELOCITY)
        arm.step(0.002)
        assert np.abs(arm.velocity - before).max() <= 1.1 * limit * 0.002
        before = arm.velocity
    np.testing.assert_allclose(arm.velocity, VELOCITY, atol=0.005)


def test_arm_moves_as_far_as_commanded(arm: SimulatedArm, start: Array) -> None:
    drive(arm, VELOCITY, 0.4)
    lag = np.abs(VELOCITY) * np.abs(VELOCITY) / 40.0 / 2 + np.abs(VELOCITY) * 0.005
    assert (np.abs(arm.position - start - 0.4 * VELOCITY) <= lag + 1e-3).all()


@pytest.mark.parametrize("name", robots())
def test_arm_motion_lags_behind_commands_by_no_more_than_the_robots_file_says(name: str) -> None:
    robot_config = resolve("laptop", {}, name)
    robot = robot_config.robot
    arm, sent = SimulatedArm(Scene(robot_config)), np.array(robot.start)
    velocity = np.zeros(len(sent))
    full = np.where(np.arange(len(sent)) % 2, -1.0, 1.0) * np.array(robot.limits.velocity)
    while not np.array_equal(velocity, full):
        change = np.array(robot.limits.acceleration) * CYCLE
        velocity = velocity + np.clip(full - velocity, -change, change)
        sent = sent + velocity * CYCLE
        drive(arm, velocity, CYCLE)
    for _ in range(10):
        sent = sent + full * CYCLE
        drive(arm, full, CYCLE)
        assert (np.abs(sent - arm.position) <= robot.command_lag * np.abs(full)).all()


def test_arm_holds_its_pose_at_rest(arm: SimulatedArm, start: Array) -> None:
    drive(arm, np.zeros(6), 2.0)
    np.testing.assert_allclose(arm.position, start, atol=1e-6)
    assert arm.at_rest


def test_arm_last_command_persists_until_the_timeout_and_then_stops_smoothly(arm: SimulatedArm, config: Config) -> None:
    drive(arm, VELOCITY, 0.2)
    arm.step(config.robot.command_timeout - 2 * CYCLE)
    np.testing.assert_allclose(arm.velocity, VELOCITY, atol=0.005)
    before = arm.velocity
    for _ in range(60):
        arm.step(0.002)
        braking = np.array(config.robot.limits.stop_acceleration) * 0.002
        assert (np.abs(arm.velocity - before) <= 1.2 * braking + 1e-3).all()
        before = arm.velocity
    assert arm.at_rest


def test_arm_command_that_arrives_during_a_stall_is_no_silence(arm: SimulatedArm) -> None:
    drive(arm, VELOCITY, 0.2)
    arm.command(VELOCITY, at=arm.time + 0.2)
    arm.step(0.2)
    np.testing.assert_allclose(arm.velocity, VELOCITY, atol=0.005)


@pytest.mark.parametrize("gap", [0.03, 0.05, 0.2])
@pytest.mark.parametrize("halted", [False, True], ids=["commander", "simulator"])
def test_arm_after_a_gap_it_speeds_up_as_slowly_as_in_ordinary_motion(
    arm: SimulatedArm, config: Config, gap: float, halted: bool
) -> None:
    drive(arm, 0.5 * VELOCITY, 0.2)
    if halted:  # the next command is known before the time without any is simulated
        arm.command(VELOCITY, at=arm.time + gap)
    usual = max(config.robot.limits.acceleration) * 0.002
    for i in range(round(gap / 0.002) + 100):
        if i >= round(gap / 0.002):
            arm.command(VELOCITY)
        before = np.abs(arm.velocity)
        arm.step(0.002)
        assert (np.abs(arm.velocity) - before).max() <= 1.5 * usual
    np.testing.assert_allclose(arm.velocity, VELOCITY, atol=0.01)
    drive(arm, -VELOCITY, 6 * CYCLE)
    np.testing.assert_allclose(arm.velocity, -VELOCITY, atol=0.05)  # the drive's own acceleration again


@pytest.mark.parametrize("bad", [[], [np.nan] * 6, [0.0, 0.0, np.inf, 0.0, 0.0, 0.0]])
def test_arm_empty_and_not_finite_are_dropped_and_do_not_count_as_commands(arm: SimulatedArm, bad: list[float]) -> None:
    drive(arm, VELOCITY, 0.2)
    assert not arm.command(bad)
    arm.step(CYCLE)
    np.testing.assert_allclose(arm.velocity, VELOCITY, atol=0.005)
    assert arm.active
    for _ in range(30):
        arm.command(bad)
        arm.step(CYCLE)
    assert arm.at_rest


@pytest.mark.parametrize("length", [1, 5, 7])
def test_arm_wrong_length_deactivates_until_activated(arm: SimulatedArm, length: int) -> None:
    drive(arm, VELOCITY, 0.2)
    arm.command([0.1] * length)
    assert not arm.active
    drive(arm, VELOCITY, 0.3)
    assert arm.at_rest
    arm.activate()
    arm.step(0.1)
    assert arm.at_rest
    drive(arm, VELOCITY, 0.1)
    np.testing.assert_allclose(arm.velocity, VELOCITY, atol=0.005)


def test_arm_steps_of_any_length_add_up(arm: SimulatedArm) -> None:
    for _ in range(100):
        arm.step(0.0013)
    assert arm.time == pytest.approx(0.13, abs=0.001 + 1e-9)


@settings(max_examples=10)
@given(st.lists(st.lists(st.floats(-1.0, 1.0), min_size=6, max_size=6), min_size=1, max_size=5))
def test_arm_same_commands_same_motion(scene: Scene, commands: list[list[float]]) -> None:
    positions = []
    for _ in range(2):
        arm = SimulatedArm(scene)
        for velocity in commands:
            drive(arm, np.array(velocity), 0.04)
        positions.append(arm.position)
    np.testing.assert_array_equal(positions[0], positions[1])


def test_arm_reset_forgets(arm: SimulatedArm, start: Array) -> None:
    drive(arm, VELOCITY, 0.2)
    arm.command([0.0])
    arm.reset(start)
    assert arm.active
    assert arm.time == 0.0
    np.testing.assert_array_equal(arm.position, start)
    arm.step(0.1)
    assert arm.at_rest


def test_arm_states_may_be_kept(arm: SimulatedArm) -> None:
    kept, copy = arm.position, arm.position.copy()
    drive(arm, VELOCITY, 0.1)
    np.testing.assert_array_equal(kept, copy)
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 0.0
