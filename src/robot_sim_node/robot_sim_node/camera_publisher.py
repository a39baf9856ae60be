"""The simulated camera: publishes its images as a camera driver does, with the frames of tf at the same moment."""

import math

from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image

from async_rl_core import topics
from async_rl_core.sim.camera import Image as Pixels
from async_rl_core.sim.disturbance import SensorNoise
from async_rl_core.sim.scene import Array, Scene
from async_rl_interfaces.msg import Target
from async_rl_ros import qos
from async_rl_ros.ros_time import ros_time
from robot_sim_node import messages
from robot_sim_node.camera_thread import CameraSnapshot, CameraThread
from robot_sim_node.frame_publisher import FramePublisher


class CameraPublisher:
    """Renders the scene from given joint angles and publishes image_raw, camera_info, tf and tf_static.

    Raises `SimulationError` where the renderer that was asked for cannot be had.
    """

    def __init__(self, node: Node, scene: Scene, noise: SensorNoise) -> None:
        config = scene.config
        self._picture = scene.task.picture
        self._stamp_delay = round(1e9 * config.sim.stamp_delay)
        self._target = (self._picture.width / 2, self._picture.height / 2)
        self._frames = FramePublisher(node, scene)
        self._info = messages.camera_info_message(config)
        self._image_publisher = node.create_publisher(Image, topics.IMAGE, qos.DRIVER)
        self._info_publisher = node.create_publisher(CameraInfo, topics.CAMERA_INFO, qos.DRIVER)
        self.camera = CameraThread(scene, noise, self._publish)
        choice = self.camera.choice
        text = f"camera renders with {choice.renderer.name}"
        node.get_logger().info(f"{text}: {choice.reason}" if choice.reason else text)
        node.create_subscription(Target, topics.TARGET, self._on_target, qos.LATCHED)

    def capture(self, position: Array, moment: float, stamp: int) -> None:
        """Renders the view from joint angles (joints,) in command order, in rad; returns at once.

        `moment` is the time of capture on the steady clock in seconds, `stamp` on the ROS clock in nanoseconds.
        Raises the error that ended the camera's thread.
        """
        if self.camera.error is not None:
            raise self.camera.error
        self.camera.capture(CameraSnapshot(position, self._target, moment, stamp))

    def _publish(self, image: Pixels, snapshot: CameraSnapshot) -> None:
        stamp = ros_time(snapshot.stamp + self._stamp_delay)
        self._image_publisher.publish(messages.image_message(image, stamp))
        self._info.header.stamp = stamp
        self._info_publisher.publish(self._info)
        self._frames.publish(snapshot.position, stamp)

    def _on_target(self, message: Target) -> None:
        if not (message.width > 0 and message.height > 0):
            return
        x, y = message.x / message.width, message.y / message.height
        if math.isfinite(x) and math.isfinite(y):
            self._target = (x * self._picture.width, y * self._picture.height)
