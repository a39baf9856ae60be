"""Velocity commands to an arm: order, persistence, timeout, malformed ones."""

import numpy as np
import pytest

from async_rl_core.config.schema import Config
from async_rl_core.sim.arm import SimulatedArm
from async_rl_core.sim.scene import Array, Scene

SPEED = 0.2
"""rad/s: for each joint of each robot a small part of what it may do."""


def drive(arm: SimulatedArm, velocity: Array, seconds: float, cycle: float) -> None:
    """Command as the guard does, once per cycle."""
    for _ in range(round(seconds / cycle)):
        arm.command(velocity)
        arm.step(cycle)


@pytest.fixture
def cycle(config: Config) -> float:
    return 1.0 / config.robot.state_rate


@pytest.fixture
def moving(arm: SimulatedArm, config: Config, cycle: float) -> SimulatedArm:
    """Every joint at SPEED."""
    drive(arm, np.full(len(config.robot.joints), SPEED), 0.2, cycle)
    np.testing.assert_allclose(arm.velocity, SPEED, atol=0.005)
    return arm


def test_each_command_moves_the_joint_of_its_name(scene: Scene, config: Config, cycle: float) -> None:
    names = config.robot.joints
    for i, name in enumerate(names):
        arm = SimulatedArm(scene)
        before = arm.position
        drive(arm, np.eye(len(names))[i] * SPEED, 0.2, cycle)
        moved = arm.position - before
        assert scene.model.joint(name).qposadr[0] == scene.position_index[i]
        assert moved[i] == pytest.approx(0.2 * SPEED, rel=0.2)
        assert np.abs(np.delete(moved, i)).max() < 0.002, name


def test_a_velocity_is_approached_within_the_drives_acceleration(scene: Scene, config: Config) -> None:
    robot = config.robot
    for joint in np.diag(robot.limits.velocity):  # one at a time, for moving joints pull at each other
        arm = SimulatedArm(scene)
        before = arm.velocity
        for _ in range(20):
            arm.command(joint)
            arm.step(0.002)
            assert np.abs(arm.velocity - before).max() <= 2 * robot.command_acceleration * 0.002
            before = arm.velocity


def test_the_last_command_persists_until_the_timeout(moving: SimulatedArm, config: Config, cycle: float) -> None:
    moving.step(config.robot.command_timeout - cycle)
    np.testing.assert_allclose(moving.velocity, SPEED, atol=0.005)
    stop = np.array(config.robot.limits.stop_acceleration)
    before, after = moving.velocity, SPEED / stop.min() + 0.05
    for _ in range(round((cycle + after) / 0.002)):
        moving.step(0.002)
        assert (np.abs(moving.velocity - before) <= 1.2 * stop * 0.002 + 1e-3).all()
        before = moving.velocity
    assert moving.at_rest


@pytest.mark.parametrize("bad", [np.nan, np.inf, None], ids=["nan", "inf", "empty"])
def test_what_is_empty_or_not_finite_is_no_command(
    moving: SimulatedArm, config: Config, cycle: float, bad: float | None
) -> None:
    command = [] if bad is None else [bad] + [0.0] * (len(config.robot.joints) - 1)
    assert not moving.command(command)
    moving.step(cycle)
    np.testing.assert_allclose(moving.velocity, SPEED, atol=0.005)
    for _ in range(40):
        moving.command(command)
        moving.step(cycle)
    assert moving.at_rest
    assert moving.active


@pytest.mark.parametrize("more", [-1, 1])
def test_a_wrong_length_stops_it_until_it_is_activated(
    moving: SimulatedArm, config: Config, cycle: float, more: int
) -> None:
    n = len(config.robot.joints)
    moving.command([SPEED] * (n + more))
    assert not moving.active
    drive(moving, np.full(n, SPEED), 0.3, cycle)
    assert moving.at_rest
    moving.activate()
    moving.step(0.1)
    assert moving.at_rest
    drive(moving, np.full(n, SPEED), 0.2, cycle)
    np.testing.assert_allclose(moving.velocity, SPEED, atol=0.005)
