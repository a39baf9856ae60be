"""The fast loop: every state is answered, nothing is cleared but on request. The robot here is a stand-in."""

import gc
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import rclpy
from numpy.typing import NDArray
from std_msgs.msg import Float64MultiArray
from std_srvs.srv import Trigger

pytest.importorskip("pylibfranka")

from async_rl_core.config.load import resolve, write_config
from franka_driver_node.node import FrankaDriverNode
from franka_driver_node.protocol import PERIOD, FrankaState

ZERO: NDArray[np.float64] = np.zeros(7)


@dataclass
class Robot:
    """Follows every velocity exactly; `problem` and `refusal` are what it says to a state and a start."""

    moves: bool = False
    problem: str = ""
    refusal: str = ""
    elapsed: float = PERIOD
    followed: NDArray[np.float64] = field(default_factory=lambda: ZERO)
    written: list[NDArray[np.float64]] = field(default_factory=list)
    recoveries: int = 0

    def start(self) -> str:
        self.moves = not self.refusal
        return self.refusal

    def read(self) -> FrankaState:
        if self.problem:
            self.moves = False
        raw = SimpleNamespace(q=ZERO, dq=self.followed, tau_J=ZERO, dq_d=self.followed, ddq_d=ZERO)
        return FrankaState(raw, self.elapsed, self.problem)

    def write(self, velocity: NDArray[np.float64], last: bool = False) -> None:
        self.written.append(velocity)
        self.followed = velocity
        self.moves = not last

    def recover(self) -> str:
        self.recoveries += 1
        self.problem = ""
        return ""


class Driver(FrankaDriverNode):
    """The node on the stand-in, cycle by cycle."""

    robot: Robot

    def _connect(self) -> Robot:  # type: ignore[override]
        self.robot = Robot()
        return self.robot

    def begin(self) -> "Driver":
        self._set_problem(self._arm.start())
        return self

    def command(self, velocity: list[float]) -> None:
        self._on_command(Float64MultiArray(data=velocity))

    def cycles(self, count: int) -> None:
        for _ in range(count):
            self._cycle(stopping=False)

    def request(self, service: str) -> Trigger.Response:
        handler = {"recover": self._on_recover, "activate": self._side._on_activate}[service]
        return handler(Trigger.Request(), Trigger.Response())

    @property
    def cause(self) -> str:
        return self._cause()


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Driver]:
    path = tmp_path / "config.yaml"
    write_config(resolve("laptop", {}, "fr3"), path)
    rclpy.init(args=["--ros-args", "-p", f"config:={path}"])
    node = Driver()
    node._controller.timeout = 60.0  # seconds: a halt of this process is no silence; silence has its own test
    yield node
    node.destroy_node()
    rclpy.shutdown()
    gc.unfreeze()  # which `run` did, as for a process of its own
    gc.enable()


def test_node_answers_every_state_and_approaches_commands_smoothly(driver: Driver) -> None:
    driver.begin().command([0.3] + [0.0] * 6)
    driver.cycles(200)
    velocity = np.array(driver.robot.written)
    assert len(velocity) == 200
    assert np.abs(np.diff(velocity, axis=0)).max() <= driver.config.robot.limits.stop_acceleration[0] * PERIOD + 1e-12
    assert velocity[-1][0] == pytest.approx(0.3)
    assert driver.cause == ""


def test_node_without_commands_stops_smoothly(driver: Driver) -> None:
    driver.begin().command([0.3] + [0.0] * 6)
    driver.cycles(10)
    assert driver.robot.followed[0] > 0.0
    driver._controller.timeout = 0.0  # any command is an old one now
    driver.cycles(200)
    assert np.abs(driver.robot.followed).max() < 1e-6
    assert driver.cause == ""  # a silent commander is no fault of the robot


def test_node_after_an_aborted_motion_does_not_restart(driver: Driver) -> None:
    driver.begin().command([0.3] + [0.0] * 6)
    driver.cycles(20)
    driver.robot.problem = "joint_velocity_violation"
    driver.cycles(2)
    assert "joint_velocity_violation" in driver.cause
    driver.robot.problem, sent = "", len(driver.robot.written)
    driver.command([0.3] + [0.0] * 6)
    driver.cycles(50)
    assert len(driver.robot.written) == sent
    assert "joint_velocity_violation" in driver.cause
    assert driver.request("recover").success
    assert driver.robot.recoveries == 0  # its errors were gone
    driver.cycles(1)
    assert driver.robot.moves
    assert driver.cause == ""
    np.testing.assert_allclose(driver.robot.written[-1], 0.0, atol=0.01)  # from rest


def test_node_clears_errors_only_on_request(driver: Driver) -> None:
    driver.begin().robot.problem = "errors [cartesian_reflex]"
    driver.cycles(200)
    assert driver.robot.recoveries == 0
    assert driver.request("recover").success
    assert driver.robot.recoveries == 1
    assert "nothing to recover" in driver.request("recover").message


def test_node_with_a_refused_start_reports_the_reason(driver: Driver) -> None:
    driver.robot.refusal = "command rejected: user stop"
    driver.begin().cycles(10)
    assert "user stop" in driver.cause
    assert not driver.request("recover").success
    driver.robot.refusal = ""
    assert driver.request("recover").success


def test_node_after_lost_states_continues_from_the_robots_velocity(driver: Driver) -> None:
    driver.begin().command([0.3] + [0.0] * 6)
    driver.cycles(30)
    followed = driver.robot.followed + 0.01
    driver.robot.followed, driver.robot.elapsed = followed, 4 * PERIOD
    driver.cycles(1)
    assert np.abs(driver.robot.written[-1] - followed).max() <= 0.01
    assert driver._health().values["states missed"] == 3


def test_node_with_a_command_of_wrong_length_is_deactivated(driver: Driver) -> None:
    driver.begin().command([0.3])
    assert "controller inactive" in driver.cause
    driver.command([0.3] + [0.0] * 6)
    driver.cycles(100)
    assert not driver.robot.followed.any()
    assert driver.request("activate").success
    assert driver.cause == ""


def test_node_after_a_stop_request_ends_the_motion_at_rest(driver: Driver) -> None:
    driver.begin().command([0.3] + [0.0] * 6)
    driver.cycles(100)
    stop = SimpleNamespace(requested=True)
    driver.run(cast("object", stop))  # type: ignore[arg-type]
    assert not driver.robot.moves
    assert not driver.robot.followed.any()


def test_node_with_a_gap_in_motion_logs_it_once(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    logger = SimpleNamespace(warning=lines.append, info=lines.append, error=lines.append)
    driver.begin().command([0.0] * 7)
    monkeypatch.setattr(driver, "get_logger", lambda: logger)
    driver._controller.timeout = 0.0  # any command is an old one now
    driver.cycles(50)
    assert lines == []  # the arm rests
    driver.command([0.3] + [0.0] * 6)
    driver.cycles(50)
    driver.command([0.3] + [0.0] * 6)
    assert len(lines) == 2
    assert lines[0].startswith("no command for ") and lines[1].startswith("commands again after ")
