"""`image_converter_node`: converts a camera's images of any size and encoding into the agent's.

It is a process of its own, because a large image takes milliseconds to receive, decode and shrink. The agent's
deadlines follow the arrival of images, so it would lack this time in each cycle.
"""

import time
from array import array
from collections.abc import Callable
from functools import partial

import cv2
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from async_rl_core import topics
from async_rl_core.camera.converter import ImageConverter, Pixels, prepare_compressed
from async_rl_core.camera.stream_monitor import StreamMonitor
from async_rl_core.config.camera import COMPRESSED
from async_rl_core.errors import ConfigError, ImageError
from async_rl_core.topics import private
from async_rl_ros import qos
from async_rl_ros.diagnostics import Diagnostics, Health, Level
from async_rl_ros.node import ConfiguredNode
from async_rl_ros.node import main as run_node
from async_rl_ros.ros_time import nanoseconds, ros_time
from async_rl_ros.scheduling import realtime

_PRIORITY = 15
"""SCHED_FIFO priority, below the agent's, which judges whether a frame is late."""


class ImageConverterNode(ConfiguredNode):
    """Subscribes to the camera's newest image, and publishes it as rgb8 of the configured size with its stamp.

    Raises `ConfigError` with the simulated camera, whose images need no conversion.
    """

    def __init__(self) -> None:
        super().__init__("image_converter_node")
        camera, topic = self.config.camera, self.config.camera_topic
        if topic is None:
            raise ConfigError("the simulated camera needs no image_converter_node; choose another with camera:=")
        cv2.setNumThreads(1)  # waking other threads would cost more than they save
        self._topic = topic
        self._converter = ImageConverter(camera.width, camera.height)
        self._monitor = StreamMonitor(camera.rate, time.monotonic())
        self._stamp_delay = round(1e9 * camera.stamp_delay)
        self._unstamped = False
        self._message = Image(width=camera.width, height=camera.height, encoding="rgb8", step=3 * camera.width)
        self._publisher = self.create_publisher(Image, private(topics.OBSERVED_IMAGE), qos.SENSOR)
        if topic.endswith(COMPRESSED):
            prepare_compressed()
            self.create_subscription(CompressedImage, topic, self._on_compressed, qos.SENSOR)
        else:
            self.create_subscription(Image, topic, self._on_image, qos.SENSOR)
        self._diagnostics = Diagnostics(self, self._health, topic)

    def _on_image(self, message: Image) -> None:
        raw = self._converter.raw
        self._convert(
            message.header, lambda: raw(message.encoding, message.width, message.height, message.step, message.data)
        )

    def _on_compressed(self, message: CompressedImage) -> None:
        self._convert(message.header, lambda: self._converter.compressed(message.data))

    def _convert(self, header: Header, convert: Callable[[], Pixels]) -> None:
        start = time.monotonic()
        try:
            pixels = convert()
        except ImageError as error:
            self._monitor.refused(start, str(error))
            self.get_logger().error(f"{self._topic}: {error}", throttle_duration_sec=5.0)
            return
        stamp = nanoseconds(header.stamp) - self._stamp_delay if self._is_stamped(header) else self._arrival(start)
        self._message.header.stamp = ros_time(stamp)
        self._message.header.frame_id = header.frame_id
        self._message.data = array("B", pixels.tobytes())  # other types are copied value by value
        work = time.monotonic() - start
        self._publisher.publish(self._message)
        age = 1e-9 * (self.get_clock().now().nanoseconds - stamp)
        if change := self._monitor.arrived(start, age, work, self._converter.format):
            self.get_logger().warning(f"{self._topic}: {change}")

    def _is_stamped(self, header: Header) -> bool:
        """Returns whether the image has a stamp; logs once if not."""
        stamped = nanoseconds(header.stamp) > 0
        if not stamped and not self._unstamped:
            self._unstamped = True
            self.get_logger().warning(
                f"{self._topic}: images have no stamp (header.stamp is 0); using their arrival, so their measured age "
                "does not include the camera's delay"
            )
        return stamped

    def _arrival(self, start: float) -> int:
        """Returns the arrival of an image in nanoseconds of the ROS clock."""
        return int(self.get_clock().now().nanoseconds - 1e9 * (time.monotonic() - start))

    def _health(self) -> Health:
        finding = self._monitor.health(time.monotonic())
        message = finding.message
        if finding.level == "error" and self.count_publishers(self._topic) == 0:
            message += "; it has no publisher"
        return Health(Level[finding.level.upper()], f"{self._topic}: {message}", finding.values)


def main() -> None:
    """Runs the node as a process."""
    run_node(ImageConverterNode, partial(realtime, _PRIORITY))
