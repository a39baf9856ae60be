"""Real processes over the real middleware: a preset that is quick to learn from, and an ear on the topics."""

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
"""Seconds of silence that the guard bears: a test's machine may halt for longer than an arm may be unwatched."""
END = 30.0
"""Seconds in which everything has ended after a stop."""
LAG = 20.0
"""Seconds by which what is heard, or told by the graph, may lag behind on a busy machine."""


def write_preset(path: Path, **sections: dict[str, object]) -> Path:
    """The preset `laptop` with some values changed, as a user would write one."""
    values = yaml.safe_load((config_folder() / "presets" / "laptop.yaml").read_text())
    for name, changes in sections.items():
        values[name] = {**values.get(name, {}), **changes}
    path.write_text(yaml.safe_dump(values))
    return path


@pytest.fixture
def preset(tmp_path: Path) -> Path:
    """One with fewer random steps, and a patient guard."""
    guard = {"watchdog": PATIENCE, "state_timeout": PATIENCE}
    return write_preset(tmp_path / "quick.yaml", agent={"initial_steps": INITIAL_STEPS}, guard=guard)


@pytest.fixture
def domain() -> int:
    """A ROS domain apart from that of the other tests."""
    return (int(os.environ["ROS_DOMAIN_ID"]) + 50) % 101


def until_armed(run: "subprocess.Popen[str]") -> tuple[list[str], threading.Thread]:
    """Read what a run says until its arm may move; the lines so far, and a thread that adds all that follow."""
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
    """How many episodes, or resets, a run left unfinished: where the machine halts for 100 ms, its senses are stale."""
    return output.count("is left, waiting for ")


def in_time(condition: Callable[[], bool]) -> bool:
    """Whether it holds, be it after a while: an ear has a thread of its own, which may be behind that of the test."""
    deadline = time.monotonic() + LAG
    while not (holds := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds


class Ear(Node):
    """Hears what the nodes say, in a thread of its own, and keeps it."""

    def __init__(self, context: rclpy.Context) -> None:
        super().__init__("ear", context=context)
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
def ear(domain: int) -> Iterator[Ear]:
    """An `Ear` in the domain."""
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=domain)
    node = Ear(context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    thread = threading.Thread(target=executor.spin)
    thread.start()
    yield node
    executor.shutdown()
    thread.join()
    node.destroy_node()
    context.shutdown()
