"""Every robot as the guard meets it: its processes over the real middleware, the FR3 over its maker's protocol too."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64MultiArray, String
from std_srvs.srv import Trigger

from async_rl_core.bringup.executable import command
from async_rl_core.bringup.graph import environment, robot_nodes
from async_rl_core.config.load import resolve, robots, write_config
from async_rl_core.config.schema import RobotConfig
from async_rl_interfaces.msg import RobotStatus
from async_rl_ros.qos import DRIVER, LATCHED, SENSOR

TIMEOUT = 20.0
SPEED = 0.2
COMMAND_TIMEOUT = 0.3
"""Seconds: longer than a robot's own, since a busy machine may hold this client back."""


@dataclass
class Client:
    """Commands `velocity` by joint name at 125 Hz, None being silence, and keeps what it hears."""

    robot: RobotConfig
    node: Node
    executor: SingleThreadedExecutor
    velocity: dict[str, float] | None = None
    states: list[JointState] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    descriptions: list[String] = field(default_factory=list)
    statuses: list[RobotStatus] = field(default_factory=list)

    def __post_init__(self) -> None:
        node = self.node
        node.create_subscription(JointState, self.robot.state_topic, self.states.append, DRIVER)
        node.create_subscription(Image, "image_raw", self.images.append, SENSOR)
        node.create_subscription(String, "robot_description", self.descriptions.append, LATCHED)
        node.create_subscription(RobotStatus, "robot_status", self.statuses.append, LATCHED)
        self.commands = node.create_publisher(Float64MultiArray, self.robot.command_topic, 10)
        node.create_timer(0.008, self._command)

    def _command(self) -> None:
        if self.velocity is not None:
            self.send([self.velocity.get(name, 0.0) for name in self.robot.joints])

    def send(self, velocity: list[float]) -> None:
        self.commands.publish(Float64MultiArray(data=velocity))

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            assert time.monotonic() < deadline, f"{len(self.states)} states, status {self.statuses[-1:]}"
            self.executor.spin_once(timeout_sec=0.1)

    @property
    def ready(self) -> bool:
        return bool(self.statuses) and self.statuses[-1].ready

    @property
    def speeds(self) -> dict[str, float]:
        return dict(zip(self.states[-1].name, self.states[-1].velocity, strict=True))

    def moves(self, wanted: dict[str, float]) -> bool:
        """Whether every joint moves as wanted, those not named not at all."""
        return all(abs(speed - wanted.get(name, 0.0)) < 0.03 for name, speed in self.speeds.items())

    def call(self, service: str) -> Trigger.Response:
        client = self.node.create_client(Trigger, service)
        self.wait_for(client.service_is_ready)
        future = client.call_async(Trigger.Request())
        self.wait_for(future.done)
        return future.result()


@pytest.fixture(params=robots())
def robot(request: pytest.FixtureRequest) -> str:
    if request.param == "fr3" and not find_spec("pylibfranka"):
        pytest.skip("pylibfranka is not installed")
    return str(request.param)


@pytest.fixture
def processes(robot: str, domain: int, tmp_path: Path) -> Iterator[dict[str, "subprocess.Popen[bytes]"]]:
    """What stands for the robot in a simulated run, by the name of its executable."""
    config = resolve("laptop", {"robot.command_timeout": COMMAND_TIMEOUT}, robot)
    write_config(config, tmp_path / "config.yaml")
    ambient = {**os.environ, "ROS_DOMAIN_ID": str(domain)}
    started = {
        spec.executable: subprocess.Popen(
            command(spec, ambient), env={**ambient, **environment(ambient), **spec.env}, start_new_session=True
        )
        for spec in robot_nodes(config, tmp_path / "config.yaml")
    }
    yield started
    for process in started.values():
        process.kill()
        process.wait()


@pytest.fixture
def client(robot: str, domain: int, processes: object) -> Iterator[Client]:
    context = Context()
    rclpy.init(context=context, domain_id=domain)
    node = rclpy.create_node("client", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    yield Client(resolve("laptop", {}, robot).robot, node, executor)
    executor.shutdown()
    node.destroy_node()
    rclpy.shutdown(context=context)


def seconds(message: JointState | Image) -> float:
    return float(message.header.stamp.sec + 1e-9 * message.header.stamp.nanosec)


def check_streams(client: Client) -> None:
    """Joint states by name in the driver's order, on its beat, stamped now; images of these states."""
    robot = client.robot
    client.states.clear()
    client.images.clear()
    client.wait_for(lambda: len(client.states) >= 100 and len(client.images) >= 10 and bool(client.descriptions))
    assert {tuple(state.name) for state in client.states} == {robot.state_joints}
    assert all(np.isfinite([*s.position, *s.velocity]).all() for s in client.states)
    stamps = np.array([seconds(state) for state in client.states])
    assert np.median(np.diff(stamps)) == pytest.approx(1 / robot.state_rate, rel=0.05)
    assert (np.diff(stamps) > 0).all()
    assert abs(stamps[-1] - time.time()) < 1.0
    assert abs(seconds(client.images[-1]) - time.time()) < 1.0
    position = dict(zip(client.states[-1].name, client.states[-1].position, strict=True))
    np.testing.assert_allclose([position[name] for name in robot.joints], robot.start, atol=0.02)


def check_commands(client: Client) -> None:
    """Each joint follows the velocity of its name; the last persists until the timeout; junk is no command."""
    first, last = client.robot.joints[0], client.robot.joints[-1]
    wanted = {first: SPEED, last: -SPEED}
    client.velocity = wanted
    client.wait_for(lambda: client.moves(wanted))
    client.velocity = None
    client.send([])
    client.send([float("nan")] * len(client.robot.joints))
    heard = len(client.states)
    client.wait_for(lambda: len(client.states) > heard + 5)
    assert client.moves(wanted)
    client.wait_for(lambda: client.moves({}))


def check_malformed(client: Client, node: str) -> None:
    """A wrong length stops the arm, which says that it is not ready, until it is asked to go on."""
    first = client.robot.joints[0]
    client.velocity = {first: -SPEED}
    client.wait_for(lambda: client.moves({first: -SPEED}))
    client.send([SPEED])
    client.wait_for(lambda: client.moves({}) and not client.ready)
    assert client.call(f"{node}/activate_controller").success
    client.wait_for(lambda: client.moves({first: -SPEED}) and client.ready)


@pytest.mark.timeout(90)
def test_a_robot_keeps_its_contract(client: Client, processes: dict[str, "subprocess.Popen[bytes]"]) -> None:
    client.wait_for(lambda: client.ready)
    check_streams(client)
    check_commands(client)
    node = "franka_driver_node" if "franka_driver_node" in processes else "robot_sim_node"
    check_malformed(client, node)
    for process in processes.values():
        process.send_signal(signal.SIGTERM)
    client.velocity = {}
    client.wait_for(lambda: all(process.poll() is not None for process in processes.values()))
    assert {process.returncode for process in processes.values()} == {0}
    assert client.moves({})
