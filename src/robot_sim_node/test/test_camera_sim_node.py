"""The camera on an arm that is simulated elsewhere: which joint states it draws."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rclpy
from sensor_msgs.msg import JointState

from async_rl_core.config.load import resolve, write_config
from async_rl_ros.ros_time import ros_time
from robot_sim_node import camera_sim_node
from robot_sim_node.camera_sim_node import CameraSimNode

PERIOD = 0.008


class Clock:
    """Stands in for the steady clock."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(camera_sim_node, "time", made)
    return made


@pytest.fixture
def node(tmp_path: Path, clock: Clock) -> Iterator[CameraSimNode]:
    path = tmp_path / "config.yaml"
    write_config(resolve("laptop", {"sim.renderer": "raycast"}, "fr3"), path)
    rclpy.init(args=["--ros-args", "-p", f"config:={path}"])
    made = CameraSimNode()
    yield made
    made.close()
    made.destroy_node()
    rclpy.shutdown()


@pytest.fixture
def captured(node: CameraSimNode, monkeypatch: pytest.MonkeyPatch) -> list[tuple[np.ndarray, float, int]]:
    found: list[tuple[np.ndarray, float, int]] = []
    monkeypatch.setattr(node._view, "capture", lambda *values: found.append(values))
    return found


def state(node: CameraSimNode, stamp: int, **instead: float) -> JointState:
    """Joint i at 0.1 i rad, named in another order than that of the commands."""
    angles = {name: 0.1 * i for i, name in enumerate(node.config.robot.joints)} | instead
    message = JointState(name=sorted(angles, reverse=True))
    message.position = [angles[name] for name in message.name]
    message.header.stamp = ros_time(stamp)
    return message


def test_camera_sim_node_it_draws_a_frame_per_period_with_the_states_own_stamp(
    node: CameraSimNode, captured: list[tuple[np.ndarray, float, int]], clock: Clock
) -> None:
    for i in range(125):
        node._on_joint_state(state(node, i))
        clock.now += PERIOD
    assert [stamp for _, _, stamp in captured] == list(range(0, 125, 5))
    np.testing.assert_allclose(captured[0][0], 0.1 * np.arange(7))


def test_camera_sim_node_after_a_pause_it_does_not_catch_up(
    node: CameraSimNode, captured: list[tuple[np.ndarray, float, int]], clock: Clock
) -> None:
    node._on_joint_state(state(node, 0))
    clock.now += 1.0
    for i in range(1, 11):
        node._on_joint_state(state(node, i))
        clock.now += PERIOD
    assert [stamp for _, _, stamp in captured] == [0, 1, 6]


@pytest.mark.parametrize("angle", [math.nan, math.inf])
def test_camera_sim_node_state_that_is_not_finite_or_lacks_a_joint_is_not_drawn(
    node: CameraSimNode, captured: list[tuple[np.ndarray, float, int]], clock: Clock, angle: float
) -> None:
    node._on_joint_state(state(node, 0, fr3_joint3=angle))
    incomplete = state(node, 1)
    incomplete.name, incomplete.position = incomplete.name[:6], incomplete.position[:6]
    node._on_joint_state(incomplete)
    node._on_joint_state(JointState(name=["finger"], position=[0.04]))
    assert not captured
