"""Contract of every robot with the guard, over the real middleware; the FR3 over its maker's protocol too."""

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
from numpy.typing import NDArray
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64MultiArray, String
from std_srvs.srv import Trigger

from async_rl_core.agent.reset import ResetMotion
from async_rl_core.bringup.graph import environment, nodes, robot_nodes
from async_rl_core.bringup.process.executable import command
from async_rl_core.config.catalogue import robots
from async_rl_core.config.load import read_config, resolve, write_config
from async_rl_core.config.schema import Config, RobotConfig
from async_rl_core.safety.kinematics import Kinematics
from async_rl_core.sim.model import urdf_text
from async_rl_interfaces.msg import GuardState, RobotStatus, VelocityCommand
from async_rl_ros import scheduling
from async_rl_ros.qos import COMMAND, DRIVER, LATCHED, SENSOR
from rl_agent_node.node import PRIORITY

Vector = NDArray[np.float64]

START = 60.0
"""Seconds within which a process has started, on a busy machine too."""
TIMEOUT = 20.0
SPEED = 0.2
COMMAND_TIMEOUT = 0.3
"""Command timeout in seconds, longer than a robot's own, since a busy machine may delay this client."""
PATIENT = {"guard.watchdog": 0.5, "guard.grace": 0.36, "guard.state_timeout": 0.5}
"""Tolerance in seconds for the same reason; tests of core check the exact times."""


@dataclass
class Client:
    """Commands `velocity` by joint name at 125 Hz (None: no command), and keeps received messages."""

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

    def wait_for(self, condition: Callable[[], bool], timeout: float = TIMEOUT) -> None:
        deadline = time.monotonic() + timeout
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
        """Returns whether every named joint moves as wanted and all others rest."""
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
    """Returns the processes of the robot in a simulated run, by executable."""
    config = resolve("laptop", {"robot.command_timeout": COMMAND_TIMEOUT, **PATIENT}, robot)
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
    scheduling.realtime(PRIORITY)  # as the agent and its middleware: the robot's side, in real time, would starve us
    context = Context()
    rclpy.init(context=context, domain_id=domain)
    node = rclpy.create_node("client", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    yield Client(resolve("laptop", {}, robot).robot, node, executor)
    executor.shutdown()
    node.destroy_node()
    rclpy.shutdown(context=context)
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def seconds(message: JointState | Image) -> float:
    return float(message.header.stamp.sec + 1e-9 * message.header.stamp.nanosec)


def check_streams(client: Client) -> None:
    """Asserts joint states by name in the driver's order, at its rate, with present stamps; and images."""
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
    """Asserts that joints follow their velocities until the timeout, and that invalid commands are ignored."""
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
    """Asserts that a command of wrong length stops the arm until it is asked to continue."""
    first = client.robot.joints[0]
    client.velocity = {first: -SPEED}
    client.wait_for(lambda: client.moves({first: -SPEED}))
    client.send([SPEED])
    client.wait_for(lambda: client.moves({}) and not client.ready)
    assert client.call(f"{node}/activate_controller").success
    client.wait_for(lambda: client.moves({first: -SPEED}) and client.ready)


@pytest.mark.timeout(150)
def test_robot_keeps_its_contract(client: Client, processes: dict[str, "subprocess.Popen[bytes]"]) -> None:
    client.wait_for(lambda: client.ready, START)
    check_streams(client)
    check_commands(client)
    node = "franka_driver_node" if "franka_driver_node" in processes else "robot_sim_node"
    check_malformed(client, node)
    for process in processes.values():
        process.send_signal(signal.SIGTERM)
    client.velocity = {}
    client.wait_for(lambda: all(process.poll() is not None for process in processes.values()))
    assert {process.returncode for process in processes.values()} == {0}
    client.wait_for(lambda: client.moves({}))  # by the last word, which may have to be taken in yet


@dataclass
class Agent:
    """Commands the guard 25 times a second, as the agent does, and checks each state of the arm."""

    client: Client
    config: Config
    guards: list[GuardState] = field(default_factory=list)
    sequence: int = 0

    def __post_init__(self) -> None:
        node, robot = self.client.node, self.config.robot
        node.destroy_publisher(self.client.commands)  # the guard's is the only one
        node.create_subscription(GuardState, "safety_guard_node/state", self.guards.append, LATCHED)
        self.publisher = node.create_publisher(VelocityCommand, "rl_agent_node/command", COMMAND)
        self.kinematics = Kinematics(urdf_text(robot), robot.joints, robot.workspace.frame, robot.tool_frame)

    @property
    def position(self) -> Vector:
        state = self.client.states[-1]
        angle = dict(zip(state.name, state.position, strict=True))
        return np.array([angle[name] for name in self.config.robot.joints])

    @property
    def armed(self) -> bool:
        return bool(self.guards) and self.guards[-1].state == GuardState.ARMED

    def command(self, velocity: Vector) -> None:
        """One cycle."""
        self.sequence += 1
        names = list(self.config.robot.joints)
        self.publisher.publish(VelocityCommand(sequence=self.sequence, name=names, velocity=velocity.tolist()))
        end = time.monotonic() + self.config.agent.action_cycle_time
        while (wait := end - time.monotonic()) > 0:
            self.client.executor.spin_once(timeout_sec=wait)
        self._check()

    def go(self, goal: Vector, seconds: float) -> bool:
        """Moves to a pose within a time; returns whether the arm got there."""
        robot, now = self.config.robot, time.monotonic()
        motion = ResetMotion(self.position, goal, robot.reset_velocity, 0.0, now, self.config.agent.action_cycle_time)
        while not motion.arrived(self.position) and time.monotonic() < now + seconds:
            self.command(motion.velocity(time.monotonic(), self.position))
        return motion.arrived(self.position)

    def _check(self) -> None:
        limits, box = self.config.robot.limits, self.config.robot.workspace
        assert np.all(self.position > limits.position_lower) and np.all(self.position < limits.position_upper)
        speed = np.abs([self.client.speeds[name] for name in self.config.robot.joints])
        assert np.all(speed < np.array(limits.velocity) + 0.02)
        tool, margin = self.kinematics.position(self.position), self.config.guard.workspace_margin
        assert np.all(tool > np.array(box.lower) - margin) and np.all(tool < np.array(box.upper) + margin)


@pytest.fixture
def guarded(client: Client, robot: str, domain: int, tmp_path: Path) -> Iterator[Agent]:
    """Runs the guard's process in front of the robot's."""
    path = tmp_path / "config.yaml"
    config = read_config(path)
    spec = next(spec for spec in nodes(config, path) if spec.executable == "safety_guard_node")
    ambient = {**os.environ, "ROS_DOMAIN_ID": str(domain)}
    guard = subprocess.Popen(command(spec, ambient), env={**ambient, **environment(ambient), **spec.env})
    try:
        client.wait_for(lambda: client.ready and bool(client.states), START)
        yield Agent(client, config)
    finally:
        guard.kill()
        guard.wait()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("robot", ["fr3"], indirect=True)
def test_arm_through_guard_and_driver_keeps_limits_and_reaches_start_pose(guarded: Agent) -> None:
    robot = guarded.config.robot
    limits, start = robot.limits, np.array(robot.start)
    rest, deadline = np.zeros(len(robot.joints)), time.monotonic() + START
    while not guarded.armed:
        assert time.monotonic() < deadline, guarded.guards[-1:]
        guarded.command(rest)
    for pose in np.random.default_rng(5).uniform(limits.position_lower, limits.position_upper, (3, len(start))):
        guarded.go(pose, 2.0)  # as far as the guard lets it
        assert np.abs(guarded.position - start).max() > 0.1
        assert guarded.go(start, TIMEOUT)
    for _ in range(50):
        guarded.command(2.0 * np.array([limits.velocity[0], *rest[1:]]))
    assert guarded.position[0] > limits.position_upper[0] - 0.1
    assert guarded.armed
