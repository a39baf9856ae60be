"""`camera_sim_node`: the simulated camera on an arm that is simulated, or moves, elsewhere."""

import math
import time
from functools import partial

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import JointState

from async_rl_core.sim.disturbance import SensorNoise
from async_rl_core.sim.scene import Scene
from async_rl_ros import qos
from async_rl_ros.node import ConfiguredNode, StopSignal
from async_rl_ros.node import main as run_node
from async_rl_ros.ros_time import nanoseconds
from async_rl_ros.scheduling import realtime
from robot_sim_node.camera_publisher import CameraPublisher

_PRIORITY = 30


class CameraSimNode(ConfiguredNode):
    """Renders the scene from the joint states that it receives, at the rate of the camera."""

    def __init__(self) -> None:
        super().__init__("camera_sim_node")
        config = self.config
        self._joints = config.robot.joints
        self._period = 1.0 / config.camera.rate
        self._tolerance = 0.5 / config.robot.state_rate
        self._due = -math.inf
        self._view = CameraPublisher(self, Scene(config), SensorNoise(config.sim, config.seed))
        self.create_subscription(JointState, config.robot.state_topic, self._on_joint_state, qos.SENSOR)

    def run(self, stop: StopSignal) -> None:
        """Serves callbacks until a stop is requested. Raises the error that ended the camera's thread."""
        while not stop.requested and self._view.camera.error is None:
            self.executor_.spin_once(timeout_sec=0.1)
        if self._view.camera.error is not None:
            raise self._view.camera.error

    def close(self) -> None:
        """Ends the camera's thread."""
        self._view.camera.close()

    def _on_joint_state(self, message: JointState) -> None:
        now = time.monotonic()
        if now < self._due - self._tolerance or not set(self._joints) & set(message.name):
            return  # a message of another device, such as a gripper, is not ours
        position = self._angles(message)
        if position is None:
            return
        # The grid of captures continues, unless the states had stopped.
        self._due = self._due + self._period if now - self._due < self._period else now + self._period
        self._view.capture(position, now, nanoseconds(message.header.stamp))

    def _angles(self, message: JointState) -> NDArray[np.float64] | None:
        """Returns the joint angles (joints,) in command order, in rad; None where one is missing or not finite."""
        angles = dict(zip(message.name, message.position, strict=False))
        position = np.array([angles.get(name, math.nan) for name in self._joints])
        if np.isfinite(position).all():
            return position
        self.get_logger().error(f"joint states are ignored: {angles}", throttle_duration_sec=5.0)
        return None


def main() -> None:
    """Runs the node as a process."""
    run_node(CameraSimNode, partial(realtime, _PRIORITY))
