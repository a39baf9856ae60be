"""Fixtures for real processes over the real middleware: a quick preset, and a listener to the topics."""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import rclpy
import yaml
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from std_msgs.msg import Float64MultiArray

from async_rl_core.config.catalogue import config_folder
from async_rl_interfaces.msg import Episode, GuardState, LearnerState, VelocityCommand
from async_rl_ros.images import CvBridge
from async_rl_ros.qos import LATCHED, LATCHED_HISTORY, SENSOR

INITIAL_STEPS = 200
PATIENCE = 0.5
"""Watchdog of the guard in seconds: the machine of a test may halt for longer than the usual one."""
END = 30.0
"""Seconds within which every process has ended after a stop."""
LAG = 20.0
"""Maximum delay in seconds of messages and of the ROS graph on a busy machine."""


def write_preset(path: Path, **sections: dict[str, object]) -> Path:
    """Returns the preset `laptop` with some values changed, as a user would write it."""
    values = yaml.safe_load((config_folder() / "presets" / "laptop.yaml").read_text())
    for name, changes in sections.items():
        values[name] = {**values.get(name, {}), **changes}
    path.write_text(yaml.safe_dump(values))
    return path


@pytest.fixture
def preset(tmp_path: Path) -> Path:
    """Returns a preset with fewer random steps and long timeouts of the guard."""
    guard = {"watchdog": PATIENCE, "state_timeout": PATIENCE}
    return write_preset(tmp_path / "quick.yaml", agent={"initial_steps": INITIAL_STEPS}, guard=guard)


@pytest.fixture
def domain() -> int:
    """Returns a ROS domain that no other test uses."""
    return (int(os.environ["ROS_DOMAIN_ID"]) + 50) % 101


def until_armed(run: "subprocess.Popen[str]") -> tuple[list[str], threading.Thread]:
    """Reads a run's output until the guard is armed; returns the lines and a thread that appends later ones."""
    assert run.stdout is not None
    output: list[str] = []
    for line in run.stdout:
        output.append(line)
        if "armed: the arm may move" in line:
            break
    reader = threading.Thread(target=lambda: output.extend(run.stdout or ()))
    reader.start()
    return output, reader


def left_episodes(output: str) -> int:
    """Returns the number of abandoned episodes and resets, for example after a halt of the machine."""
    return output.count("is left, waiting for ")


def in_time(condition: Callable[[], bool]) -> bool:
    """Returns whether a condition holds within `LAG` seconds."""
    deadline = time.monotonic() + LAG
    while not (holds := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds


class TopicListener(Node):
    """Receives and keeps the messages of the nodes, in its own thread."""

    def __init__(self, context: rclpy.Context) -> None:
        super().__init__("listener", context=context)
        self._bridge = CvBridge()
        self.images: list[np.ndarray] = []
        self.commands: list[VelocityCommand] = []
        self.wire: list[np.ndarray] = []
        self.guard: list[int] = []
        self.learner: list[LearnerState] = []
        self.episodes: list[Episode] = []
        self.health: dict[str, dict[str, str]] = {}
        all_images = QoSProfile(depth=50, reliability=ReliabilityPolicy.BEST_EFFORT)
        self.create_subscription(Image, "image_raw", self._on_image, all_images)
        self.create_subscription(VelocityCommand, "rl_agent_node/command", self.commands.append, 50)
        self.create_subscription(Float64MultiArray, "forward_velocity_controller/commands", self._on_wire, SENSOR)
        self.create_subscription(GuardState, "safety_guard_node/state", self._on_guard, LATCHED)
        self.create_subscription(LearnerState, "learner_node/state", self.learner.append, LATCHED)
        self.create_subscription(Episode, "rl_agent_node/episode", self.episodes.append, LATCHED_HISTORY)
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_health, 50)

    def _on_image(self, message: Image) -> None:
        self.images.append(self._bridge.imgmsg_to_cv2(message, "rgb8").copy())

    def _on_wire(self, message: Float64MultiArray) -> None:
        self.wire.append(np.array(message.data))

    def _on_guard(self, message: GuardState) -> None:
        self.guard.append(message.state)

    def _on_health(self, message: DiagnosticArray) -> None:
        for status in message.status:
            self.health[status.name] = {value.key: value.value for value in status.values}


@pytest.fixture
def listener(domain: int) -> Iterator[TopicListener]:
    """Yields a `TopicListener` in the domain."""
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=domain)
    node = TopicListener(context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    thread = threading.Thread(target=executor.spin)
    thread.start()
    yield node
    executor.shutdown()
    thread.join()
    node.destroy_node()
    context.shutdown()
