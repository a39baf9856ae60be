"""Velocities for a Franka's drives stay within the limits of velocity, acceleration and jerk."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from async_rl_core.config.load import resolve
from async_rl_core.robots.interpolation import Interpolation

PERIOD = 0.001
JOINTS = 7
MAKER = {
    "panda": {
        "velocity": (2.175, 2.175, 2.175, 2.175, 2.61, 2.61, 2.61),
        "acceleration": (15.0, 7.5, 10.0, 12.5, 15.0, 20.0, 20.0),
        "jerk": (7500.0, 3750.0, 5000.0, 6250.0, 7500.0, 10000.0, 10000.0),
    },
    "fr3": {
        "velocity": (2.62, 2.62, 2.62, 2.62, 5.26, 4.18, 5.26),
        "acceleration": (10.0,) * 7,
        "jerk": (5000.0,) * 7,
    },
}
"""Of the maker's documentation: above these the robot aborts a motion."""
FR3_RANGE = np.array([(-2.9007, 2.9007), (-1.8361, 1.8361), (-2.9007, 2.9007), (-3.077, -0.1169), (-2.8763, 2.8763),
                      (0.4398, 4.6216), (-3.0508, 3.0508)])  # fmt: skip
FR3_DECELERATION = np.array([6.0, 2.585, 3.5, 4.0, 17.0, 5.5, 17.0])
FR3_OFFSET = np.array([0.652, 0.25, 0.2005, 0.3542, 0.5738, 0.4885, 0.4592])

RECORDED = Path(__file__).with_name("recorded_commands.npz")
"""(2500, 7) each: 20 s of what the guard sent to a simulated Panda at 125 Hz in one run of the visual reacher, resets
included; `random` before the first update, `learned` after a quarter of an hour."""
SETTLED = 25
"""Commands until the drive, which begins at rest, has caught up with a recording that does not."""

franka = pytest.mark.parametrize("robot", list(MAKER))


def make(robot: str, command_period: float = 0.008) -> Interpolation:
    return Interpolation(resolve("laptop", {}, robot).robot.limits, PERIOD, command_period)


def replay(interpolation: Interpolation, commands: NDArray[np.float64], command_period: float) -> NDArray[np.float64]:
    """The drive's velocities (cycles, joints) for `commands` (m, joints), one every `command_period` seconds."""
    sent = []
    for command in commands:
        interpolation.command(command)
        sent += [interpolation.step() for _ in range(round(command_period / PERIOD))]
    interpolation.brake()
    while not interpolation.at_rest:
        sent.append(interpolation.step())
        assert len(sent) < 100_000
    return np.array(sent)


def check(robot: str, velocity: NDArray[np.float64]) -> None:
    """No limit of the maker is violated, as its robot computes them: by differences of what it is sent."""
    limits = MAKER[robot]
    acceleration = np.diff(velocity, axis=0, prepend=0.0) / PERIOD
    jerk = np.diff(acceleration, axis=0, prepend=0.0) / PERIOD
    assert (np.abs(velocity) <= limits["velocity"]).all()
    assert (np.abs(acceleration) <= limits["acceleration"]).all()
    assert (np.abs(jerk) <= limits["jerk"]).all()


COMMANDS = st.lists(st.lists(st.floats(-3.0, 3.0), min_size=JOINTS, max_size=JOINTS), min_size=1, max_size=8)


@franka
@settings(max_examples=15)
@given(commands=COMMANDS, period=st.sampled_from([0.008, 0.04]))
def test_interpolation_with_any_commands_keeps_the_limits(
    robot: str, commands: list[list[float]], period: float
) -> None:
    check(robot, replay(make(robot), np.array(commands), period))


@franka
def test_interpolation_of_a_random_policy_keeps_the_limits(robot: str) -> None:
    # What an agent sends before it has learnt anything: new velocities every 40 ms, over the whole range.
    commands = np.random.default_rng(1).uniform(-0.7, 0.7, (100, JOINTS))
    check(robot, replay(make(robot), commands, 0.04))


@franka
@pytest.mark.parametrize("phase", ["random", "learned"])
def test_interpolation_of_a_learning_run_keeps_the_limits(robot: str, phase: str) -> None:
    with np.load(RECORDED) as recorded:
        commands = recorded[phase]
    sent = replay(make(robot), commands, 0.008)
    check(robot, sent)
    followed = np.abs(sent[8 : 8 * len(commands) : 8] - commands[:-1])[SETTLED:]
    assert followed.max() < 5.0 * 0.008  # rad/s: what the guard's limits let a command differ from the one before


@franka
def test_interpolation_of_a_steady_command_reaches_it_without_overshoot(robot: str) -> None:
    interpolation, command = make(robot), np.array([-0.9, -0.5, -0.1, 0.01, 0.2, 0.6, 0.9])
    interpolation.command(command)
    sent = np.array([interpolation.step() for _ in range(400)])
    np.testing.assert_allclose(sent[-1], command, atol=1e-9)
    assert (np.abs(sent) <= np.abs(command) + 1e-9).all()
    assert (np.diff(sent, axis=0) * np.sign(command) >= -1e-12).all()


def test_interpolation_of_steps_is_a_ramp() -> None:
    interpolation = make("fr3")
    stairs = np.outer(np.arange(1, 31) * 0.008 * 4.0, np.ones(JOINTS))  # a ramp of 4 rad/s^2, sampled at 125 Hz
    sent = replay(interpolation, stairs[:20], 0.008)
    acceleration = np.diff(sent, axis=0)[40:150] / PERIOD
    np.testing.assert_allclose(acceleration, 4.0, atol=1e-6)


def test_brake_is_as_hard_as_the_limits_allow() -> None:
    limits = resolve("laptop", {}, "fr3").robot.limits
    interpolation = make("fr3")
    interpolation.command(np.full(JOINTS, 0.9))
    for _ in range(400):
        interpolation.step()
    interpolation.brake()
    cycles = 0
    while not interpolation.at_rest:
        interpolation.step()
        cycles += 1
    shortest = 0.9 / limits.stop_acceleration[0] + limits.stop_acceleration[0] / limits.jerk[0]
    assert cycles * PERIOD == pytest.approx(shortest, abs=0.004)


def test_resume_continues_from_the_drives_velocity() -> None:
    interpolation = make("fr3")
    interpolation.command(np.full(JOINTS, 0.9))
    sent = [interpolation.step() for _ in range(30)]
    acceleration = interpolation.acceleration.copy()
    for _ in range(3):  # three packets were lost: the robot keeps its acceleration
        sent.append(sent[-1] + acceleration * PERIOD)
    interpolation.resume(sent[-1], acceleration)
    sent += [interpolation.step() for _ in range(400)]
    check("fr3", np.array(sent))


def test_limits_of_the_fr3_are_below_its_position_dependent_limit() -> None:
    limits = resolve("laptop", {}, "fr3").robot.limits
    for ends, room in (
        (limits.position_upper, FR3_RANGE[:, 1] - limits.position_upper),
        (limits.position_lower, np.array(limits.position_lower) - FR3_RANGE[:, 0]),
    ):
        allowed = np.sqrt(2 * FR3_DECELERATION * room) - FR3_OFFSET
        assert (allowed > limits.velocity).all(), ends


@pytest.mark.parametrize("gently", [False, True])
def test_command_after_a_gap_speeds_up_as_in_ordinary_motion(gently: bool) -> None:
    limits = resolve("laptop", {}, "fr3").robot.limits
    drive = Interpolation(limits, 0.001, 0.008)
    target = np.full(7, 0.4)
    drive.command(target)
    for _ in range(60):
        drive.step()
    drive.brake()
    for _ in range(20):
        drive.step()
    fastest = 0.0
    for i in range(200):
        if i % 8 == 0:
            drive.command(target, gently=gently and i == 0)
        drive.step()
        fastest = max(fastest, float(drive.acceleration.max()))
    assert drive.velocity == pytest.approx(target)
    assert (fastest <= limits.acceleration[0] + 1e-9) is gently
    drive.command(-target)
    assert min(float(drive.step().min()) for _ in range(200)) == pytest.approx(-0.4)
