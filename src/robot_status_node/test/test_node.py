"""The node over the real middleware, before a stand-in for a driver that speaks standard messages."""

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import rclpy
from geometry_msgs.msg import Point
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data
from rclpy.task import Future
from std_msgs.msg import Bool, Float64, Float64MultiArray
from std_srvs.srv import Trigger

from async_rl_core.config.driver import StatusCondition
from async_rl_core.config.load import resolve, write_config
from async_rl_core.errors import ConfigError
from async_rl_core.robots.command_watchdog import REPEAT
from async_rl_core.robots.command_watchdog import TIMEOUT as SILENCE
from async_rl_interfaces.msg import RobotStatus
from robot_status_node import node as status_node
from robot_status_node.node import RobotStatusNode, check_fields, interface

TIMEOUT = 20.0
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
DRIVER = {
    "via": "launch",
    "package": "stand_in",
    "launch_file": "stand_in.launch.py",
    "arguments": {},
    "status": [
        {"source": "running", "type": "std_msgs/msg/Bool", "field": "data", "allowed": [True], "means": "it stands"},
        {"source": "scaling", "type": "std_msgs/msg/Float64", "field": "data", "at_least": 99.0, "means": "it is slow"},
        {"source": "pose", "type": "geometry_msgs/msg/Point", "field": "x", "at_least": 1.0, "means": "x is low"},
        {"source": "pose", "type": "geometry_msgs/msg/Point", "field": "y", "at_least": 1.0, "means": "y is low"},
        {"source": "state", "type": "std_srvs/srv/Trigger", "field": "message", "allowed": ["GO"], "means": "no GO"},
    ],
}


class Robot(Node):
    """The stand-in, and an ear on `robot_status`."""

    def __init__(self, namespace: str) -> None:
        super().__init__("robot", namespace=namespace)
        self.running = self.create_publisher(Bool, "running", LATCHED)
        self.scaling = self.create_publisher(Float64, "scaling", qos_profile_sensor_data)
        self.pose = self.create_publisher(Point, "pose", LATCHED)
        self.create_service(Trigger, "state", self._answer)
        self.state = "GO"
        self.statuses: list[RobotStatus] = []
        self.create_subscription(RobotStatus, "robot_status", self.statuses.append, LATCHED)

    def _answer(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.message = self.state
        return response


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[tuple[Robot, SingleThreadedExecutor]]:
    path, namespace = tmp_path / "config.yaml", f"/test_{uuid.uuid4().hex}"
    overrides = {
        "hardware": "real", "robot_ip": "192.0.2.1", "guard.auto_arm": False, "robot.drivers": {"stand_in": DRIVER},
        "driver": "stand_in",
    }  # fmt: skip
    write_config(resolve("laptop", overrides), path)
    rclpy.init(args=["--ros-args", "-r", f"__ns:={namespace}", "-p", f"config:={path}"])
    executor, robot, node = SingleThreadedExecutor(), Robot(namespace), RobotStatusNode()
    executor.add_node(robot)
    executor.add_node(node)
    yield robot, executor
    for each in (robot, node):
        each.destroy_node()
    rclpy.shutdown()


def wait_for(executor: SingleThreadedExecutor, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline
        executor.spin_once(timeout_sec=0.1)


def test_node_reports_problems_until_there_are_none(setting: tuple[Robot, SingleThreadedExecutor]) -> None:
    robot, executor = setting

    def cause() -> str:
        return robot.statuses[-1].cause if robot.statuses else "nothing yet"

    wait_for(executor, lambda: "it stands (no message from running)" in cause())
    robot.pose.publish(Point(x=1.0, y=1.0))
    robot.running.publish(Bool(data=True))
    wait_for(executor, lambda: cause() == "it is slow (no message from scaling)")
    robot.scaling.publish(Float64(data=100.0))
    wait_for(executor, lambda: robot.statuses[-1].ready)
    assert cause() == ""
    robot.state = "STOP"
    wait_for(executor, lambda: cause() == "no GO (state says STOP)")
    assert not robot.statuses[-1].ready
    robot.state = "GO"
    wait_for(executor, lambda: robot.statuses[-1].ready)
    robot.scaling.publish(Float64(data=20.0))
    wait_for(executor, lambda: cause() == "it is slow (scaling says 20.0)")


def test_node_requires_both_conditions_of_one_topic(setting: tuple[Robot, SingleThreadedExecutor]) -> None:
    robot, executor = setting
    robot.running.publish(Bool(data=True))
    robot.pose.publish(Point(x=0.0, y=1.0))
    wait_for(executor, lambda: bool(robot.statuses) and "x is low (pose says 0.0)" in robot.statuses[-1].cause)
    robot.scaling.publish(Float64(data=100.0))
    wait_for(executor, lambda: robot.statuses[-1].cause == "x is low (pose says 0.0)")
    robot.pose.publish(Point(x=1.0, y=0.0))
    wait_for(executor, lambda: robot.statuses[-1].cause == "y is low (pose says 0.0)")
    assert not any(status.ready for status in robot.statuses)  # nor for a moment, between the message's two values


def test_node_with_a_silent_service_has_one_request_in_flight(
    setting: tuple[Robot, SingleThreadedExecutor],
) -> None:
    robot, executor = setting
    node = setting_node(executor)
    (client,) = (client for client in node.clients if client.srv_name == "state")
    executor.remove_node(robot)  # its service is there, and nobody serves it
    wait_for(executor, lambda: len(client._pending_requests) == 1)
    for _ in range(3):
        spin_for(executor, status_node._POLL_PERIOD)
        assert len(client._pending_requests) == 1


def test_check_fields_with_a_missing_field_is_refused() -> None:
    condition = StatusCondition(
        source="running", type="std_msgs/msg/Bool", field="dat", allowed=(True,), means="it stands"
    )
    with pytest.raises(ConfigError, match=r"status of running: std_msgs/msg/Bool has no field 'dat'"):
        check_fields([condition])


def led(executor: SingleThreadedExecutor, robot: Robot, node: RobotStatusNode, *velocities: float) -> None:
    """Send these commands, and wait until the node has heard the last of them."""
    commands = robot.create_publisher(Float64MultiArray, node.config.robot.command_topic, 10)
    wait_for(executor, lambda: commands.get_subscription_count() > 0)
    heard: list[float] = []
    node.create_subscription(Float64MultiArray, node.config.robot.command_topic, lambda m: heard.append(m.data[0]), 10)
    wait_for(executor, lambda: commands.get_subscription_count() > 1)
    for velocity in velocities:
        commands.publish(Float64MultiArray(data=[velocity] * 6))
    wait_for(executor, lambda: len(heard) == len(velocities))


def test_node_without_commands_in_motion_deactivates_until_confirmed(
    setting: tuple[Robot, SingleThreadedExecutor],
) -> None:
    robot, executor = setting
    node, controller = setting_node(executor), Controller(answers=[False, True])
    node._watch(controller)  # type: ignore[arg-type]
    led(executor, robot, node, 0.0, 0.3)
    wait_for(executor, lambda: controller.requests == 2)  # the first was refused
    spin_for(executor, 2 * REPEAT)
    assert controller.requests == 2


def test_node_without_commands_at_rest_deactivates_nothing(setting: tuple[Robot, SingleThreadedExecutor]) -> None:
    robot, executor = setting
    node, controller = setting_node(executor), Controller(answers=[])
    node._watch(controller)  # type: ignore[arg-type]
    led(executor, robot, node, 0.3, 0.0)
    spin_for(executor, 3 * SILENCE)
    assert controller.requests == 0


def test_node_stopped_with_an_arm_in_motion_waits_for_its_stop(
    setting: tuple[Robot, SingleThreadedExecutor], monkeypatch: pytest.MonkeyPatch
) -> None:
    robot, executor = setting
    monkeypatch.setattr(status_node, "_LAST_WATCH", TIMEOUT)  # it is over sooner, unless this process is halted
    node, controller = setting_node(executor), Controller(answers=[True])
    node._watch(controller)  # type: ignore[arg-type]
    led(executor, robot, node, 0.3)
    node.executor_ = executor
    node.run(SimpleNamespace(requested=True))  # type: ignore[arg-type]
    assert controller.requests == 1


class Controller:
    """Answers each request for its deactivation."""

    def __init__(self, answers: list[bool]) -> None:
        self.requests = 0
        self._answers = answers

    def deactivate(self) -> Future[Any]:
        self.requests += 1
        future: Future[Any] = Future()
        future.set_result(SimpleNamespace(ok=self._answers.pop(0)))
        return future


def spin_for(executor: SingleThreadedExecutor, seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        executor.spin_once(timeout_sec=left)


def setting_node(executor: SingleThreadedExecutor) -> RobotStatusNode:
    return next(node for node in executor.get_nodes() if isinstance(node, RobotStatusNode))


def test_interface_that_is_not_installed_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"no_such_msgs/msg/Mode, .* is not installed .*; install it"):
        interface("no_such_msgs/msg/Mode")
    with pytest.raises(ConfigError, match="std_msgs/msg/NoSuchType"):
        interface("std_msgs/msg/NoSuchType")
