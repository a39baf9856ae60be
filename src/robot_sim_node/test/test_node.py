"""The node in a process of its own, over the real middleware, as a driver's user sees it."""

import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import Float64MultiArray, String
from std_srvs.srv import Trigger

from async_rl_core.config.load import resolve, write_config
from async_rl_interfaces.msg import Target, TaskState

TIMEOUT = 30.0
RUN = "from robot_sim_node.node import main; main()"
COMMANDS = "forward_velocity_controller/commands"
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class Client:
    """Hears the robot and its camera, and commands at 125 Hz what `velocity` says; None is silence."""

    def __init__(self, node: Node, executor: SingleThreadedExecutor) -> None:
        self.node = node
        self._executor = executor
        self.states: list[JointState] = []
        self.images: list[Image] = []
        self.infos: list[CameraInfo] = []
        self.descriptions: list[str] = []
        self.velocity: list[float] | None = None
        node.create_subscription(JointState, "joint_states", self.states.append, qos_profile_sensor_data)
        node.create_subscription(Image, "image_raw", self.images.append, qos_profile_sensor_data)
        node.create_subscription(CameraInfo, "camera_info", self.infos.append, qos_profile_sensor_data)
        node.create_subscription(String, "robot_description", lambda m: self.descriptions.append(m.data), LATCHED)
        self.commands = node.create_publisher(Float64MultiArray, COMMANDS, 10)
        self.targets = node.create_publisher(Target, "target", LATCHED)
        node.create_timer(0.008, self._command)

    def forget(self) -> None:
        """Discards the states and images received so far, and stops commanding."""
        self.velocity = None
        for messages in (self.states, self.images, self.infos):
            messages.clear()

    def _command(self) -> None:
        if self.velocity is not None:
            self.commands.publish(Float64MultiArray(data=self.velocity))

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            assert time.monotonic() < deadline, "nothing came"
            self._executor.spin_once(timeout_sec=0.1)

    @property
    def speed(self) -> float:
        """The shoulder pan joint's velocity in the newest state."""
        state = self.states[-1]
        return float(state.velocity[state.name.index("shoulder_pan_joint")])


@contextmanager
def fresh_client() -> Iterator[Client]:
    """A client in a namespace of its own, so that no other test or run is heard."""
    context = Context()
    rclpy.init(context=context)
    node = rclpy.create_node("client", namespace=f"test_{uuid.uuid4().hex}", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    try:
        yield Client(node, executor)
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.shutdown(context=context)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with fresh_client() as made:
        yield made


@contextmanager
def running(client: Client, folder: Path, **overrides: object) -> Iterator["subprocess.Popen[str]"]:
    path = folder / "config.yaml"
    # The longest timeout there is: a busy machine may hold the client back.
    write_config(resolve("laptop", {"robot.command_timeout": 1.0, **overrides}), path)
    arguments = ["--ros-args", "-r", f"__ns:={client.node.get_namespace()}", "-p", f"config:={path}"]
    process = subprocess.Popen([sys.executable, "-c", RUN, *arguments], stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def robot(client: Client, shared_robot: None) -> Client:
    """A client that forgets what earlier tests heard, of a node that they may share."""
    client.forget()
    return client


@pytest.fixture(scope="module")
def shared_robot(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with running(client, tmp_path_factory.mktemp("robot")):
        yield


def seconds(message: Any) -> float:
    return float(message.header.stamp.sec + 1e-9 * message.header.stamp.nanosec)


def test_robot_sim_node_states_and_frames_on_the_drivers_beat(robot: Client) -> None:
    heard = (robot.states, robot.images, robot.infos)  # they are found one by one
    robot.wait_for(lambda: min(map(len, heard)) >= 10 and bool(robot.descriptions))
    names = robot.states[0].name
    assert names == sorted(names)
    ticks = np.diff([seconds(state) for state in robot.states]) / 0.008
    np.testing.assert_allclose(ticks, np.round(ticks), atol=0.05)  # a state may be lost, but none is off the beat
    frames = (np.array([seconds(image) for image in robot.images]) - seconds(robot.states[0])) / 0.008
    np.testing.assert_allclose(frames, np.round(frames), atol=0.05)
    assert {seconds(image) for image in robot.images} & {seconds(info) for info in robot.infos}
    assert abs(seconds(robot.images[-1]) - time.time()) < TIMEOUT
    assert "package://example-robot-data" in robot.descriptions[0]


def test_robot_sim_node_target_moves_the_disc(robot: Client) -> None:
    def red() -> float:
        image = robot.images[-1]
        pixels = np.frombuffer(image.data, np.uint8).reshape(image.height, image.width, 3)
        columns = np.argwhere((pixels[..., 0] > 120) & (pixels[..., 1] < 50))[:, 1]
        return float(columns.mean() / image.width) if len(columns) else -1.0

    robot.wait_for(lambda: bool(robot.images) and 0.45 < red() < 0.55)
    robot.targets.publish(Target(x=40.0, y=90.0, radius=14.0, width=320.0, height=180.0))
    robot.wait_for(lambda: 0.0 < red() < 0.35)


def test_robot_sim_node_commands_move_it_and_a_wrong_length_takes_the_controller_down(tmp_path: Path) -> None:
    with fresh_client() as robot, running(robot, tmp_path):  # in whose picture no other test looks for something
        robot.velocity = [0.3, 0.0, 0.0, 0.0, 0.0, 0.0]
        robot.wait_for(lambda: bool(robot.states) and abs(robot.speed - 0.3) < 0.02)
        robot.velocity = None
        robot.wait_for(lambda: abs(robot.speed) < 0.01)
        robot.velocity = [0.3] + [0.0] * 5
        robot.wait_for(lambda: abs(robot.speed - 0.3) < 0.02)
        moving, robot.velocity = robot.velocity, None
        robot.commands.publish(Float64MultiArray(data=[0.3]))
        for _ in range(5):  # every command counts, not only the newest; of more, a robot that is halted would lose some
            robot.commands.publish(Float64MultiArray(data=moving))
        robot.wait_for(lambda: abs(robot.speed) < 0.01)
        robot.velocity, heard = moving, len(robot.states)
        robot.wait_for(lambda: len(robot.states) > heard + 25)
        assert abs(robot.speed) < 0.01
        activate = robot.node.create_client(Trigger, "robot_sim_node/activate_controller")
        robot.wait_for(activate.service_is_ready)
        future = activate.call_async(Trigger.Request())
        robot.wait_for(future.done)
        assert future.result().success
        robot.wait_for(lambda: abs(robot.speed - 0.3) < 0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_robot_sim_node_stop_waits_for_rest_and_no_longer(number: signal.Signals, tmp_path: Path) -> None:
    with fresh_client() as client, running(client, tmp_path) as process:
        client.velocity = [0.3, 0.0, 0.0, 0.0, 0.0, 0.0]
        client.wait_for(lambda: bool(client.states) and abs(client.speed - 0.3) < 0.02)
        process.send_signal(number)
        heard = len(client.states)
        client.wait_for(lambda: len(client.states) > heard + 10)  # it moves, so it is there: at most 5 were waiting
        client.velocity = [0.0] * 6
        client.wait_for(lambda: abs(client.speed) < 0.05)
        client.wait_for(lambda: process.poll() is not None)
        assert process.returncode == 0


def test_robot_sim_node_missing_model_is_one_line(tmp_path: Path) -> None:
    with (
        fresh_client() as client,
        running(client, tmp_path, **{"robot.model": "ur_description/urdf/ur99.urdf"}) as process,
    ):
        _, errors = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 2
    # Coloured lines are the middleware's own: it complains where another process leaves while it asks that for types.
    lines = [line for line in errors.splitlines() if line.strip() and not line.startswith("\x1b[")]
    assert len(lines) == 1
    assert "ur99.urdf not found" in lines[0]


def test_robot_sim_node_without_a_camera_publishes_the_state_of_its_task(tmp_path: Path) -> None:
    with fresh_client() as client:
        states: list[TaskState] = []
        client.node.create_subscription(TaskState, "task_state", states.append, qos_profile_sensor_data)
        with running(client, tmp_path, task="reach"):
            client.wait_for(lambda: bool(states))
            assert states[0].episode == 0
            client.targets.publish(Target(episode=3))
            client.wait_for(lambda: states[-1].episode == 3)
            newest = states[-1]
            assert (list(newest.part), list(newest.size)) == (["tool_position", "target_position"], [3, 3])
            assert np.isfinite(newest.value).all() and newest.value[3:] != states[0].value[3:]
            assert client.states
            assert client.node.count_publishers("image_raw") == 0
