"""The driver's end of the maker's protocol, against the simulator at the other end."""

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("pylibfranka")
pytest.importorskip("franky_sim")

from async_rl_core.config.load import resolve, write_config
from async_rl_core.config.schema import Config
from async_rl_core.errors import RobotError
from async_rl_core.robots.interpolation import Interpolation
from franka_driver_node.address import robot_address
from franka_driver_node.protocol import PERIOD, FrankaArm

RUN = "from franka_driver_node.simulator import main; main()"
ZERO: NDArray[np.float64] = np.zeros(7)
CYCLES, UNDISTURBED = 800, 10
"""So many cycles, and more until this machine, which may be busy, answered so many in a row in time."""
ACCELERATION, JERK = 10.0, 5000.0
"""Of the maker's documentation."""


@pytest.fixture(scope="module")
def config() -> Config:
    return resolve("laptop", {}, "fr3")


@pytest.fixture
def simulator(config: Config, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    write_config(config, tmp_path / "config.yaml")
    arguments = ["--ros-args", "-p", f"config:={tmp_path / 'config.yaml'}"]
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, *arguments],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "is simulated at" in line:
            break
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def arm(config: Config, simulator: object) -> Iterator[FrankaArm]:
    yield FrankaArm(robot_address(config), enforce_realtime=False)
    # libfranka gives the thread that moves an arm the highest priority there is, for good: other tests would starve.
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def rest(arm: FrankaArm, cycles: int) -> None:
    """Answer so many states with zero."""
    for _ in range(cycles):
        arm.read()
        arm.write(ZERO)


def test_arm_at_the_start_pose_reports_it(arm: FrankaArm, config: Config) -> None:
    state = arm.read()
    assert state.problem == ""
    assert not arm.moves
    np.testing.assert_allclose(state.position, config.robot.start, atol=0.01)


def test_arm_follows_within_the_makers_limits(arm: FrankaArm, config: Config) -> None:
    interpolation = Interpolation(config.robot.limits, PERIOD, 0.008)
    rng = np.random.default_rng(3)
    assert arm.start() == ""
    sent, stretches = ZERO, [[ZERO]]
    for i in count():
        if i >= CYCLES and max(map(len, stretches)) > UNDISTURBED:
            break
        state = arm.read()
        if i % 40 == 0:  # an action every 40 ms, over the whole range
            interpolation.command(rng.uniform(-0.5, 0.5, 7))
        if not np.allclose(state.commanded_velocity, sent, atol=1e-6):  # this machine was too busy to answer in time
            interpolation.resume(state.commanded_velocity, state.commanded_acceleration)
            stretches.append([])
        stretches[-1].append(state.commanded_velocity)
        sent = interpolation.step()
        arm.write(sent)
    judged = [np.array(stretch) for stretch in stretches if len(stretch) > 2]
    assert max(np.abs(velocity).max() for velocity in judged) > 0.1
    for velocity in judged:
        acceleration = np.diff(velocity, axis=0) / PERIOD
        assert np.abs(acceleration).max() <= ACCELERATION
        assert np.abs(np.diff(acceleration, axis=0) / PERIOD).max() <= JERK


def test_arm_after_the_end_of_a_motion_starts_another(arm: FrankaArm) -> None:
    for _ in range(2):
        assert arm.start() == ""
        assert arm.moves
        rest(arm, 20)
        arm.read()
        arm.write(ZERO, last=True)
        assert not arm.moves
        assert arm.read().problem == ""
    assert arm.recover() == ""


def test_arm_that_stops_answering_is_an_error_in_one_line(
    arm: FrankaArm, simulator: "subprocess.Popen[str]", config: Config
) -> None:
    assert arm.start() == ""
    rest(arm, 5)
    simulator.kill()
    with pytest.raises(RobotError, match=rf"Franka at {robot_address(config)} stopped answering: \S"):
        rest(arm, 5000)


def test_arm_without_an_answer_is_an_error_in_one_line() -> None:
    with pytest.raises(RobotError, match=r"no connection to a Franka at 127\.1\.250\.1: \S"):
        FrankaArm("127.1.250.1", enforce_realtime=False)
