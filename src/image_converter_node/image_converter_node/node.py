"""`image_converter_node`: a camera's images, of any size and encoding, made into those that the agent sees.

A process of its own, and not a part of the agent: a large image takes milliseconds to receive, decode and shrink,
which the agent, whose deadlines follow the arrivals, would lack before each of them. What reaches the agent is as
small as from the simulated camera, by the same path.
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
"""Below the agent's: it decides when a frame is late."""


class ImageConverterNode(ConfiguredNode):
    """Subscribes to the camera, newest image only, and publishes rgb8 of the configured size with the camera's stamps.

    Raises `ConfigError` where the camera of the run is the simulated one, whose images are right already.
    """

    def __init__(self) -> None:
        super().__init__("image_converter_node")
        camera, topic = self.config.camera, self.config.camera_topic
        if topic is None:
            raise ConfigError("the simulated camera needs no image_converter_node; choose another with camera:=")
        cv2.setNumThreads(1)  # waking others would cost more than they could do
        self._topic = topic
        self._converter = ImageConverter(camera.width, camera.height)
        self._watch = StreamMonitor(camera.rate, time.monotonic())
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
            self._watch.refused(start, str(error))
            self.get_logger().error(f"{self._topic}: {error}", throttle_duration_sec=5.0)
            return
        stamp = nanoseconds(header.stamp) - self._stamp_delay if self._is_stamped(header) else self._arrival(start)
        self._message.header.stamp = ros_time(stamp)
        self._message.header.frame_id = header.frame_id
        self._message.data = array("B", pixels.tobytes())  # other types cost a copy per pixel
        work = time.monotonic() - start
        self._publisher.publish(self._message)
        age = 1e-9 * (self.get_clock().now().nanoseconds - stamp)
        if change := self._watch.arrived(start, age, work, self._converter.format):
            self.get_logger().warning(f"{self._topic}: {change}")

    def _is_stamped(self, header: Header) -> bool:
        """Whether the camera stamps its images; one that does not is named once."""
        stamped = nanoseconds(header.stamp) > 0
        if not stamped and not self._unstamped:
            self._unstamped = True
            self.get_logger().warning(
                f"{self._topic}: images have no stamp (header.stamp is 0); they are stamped when they arrive, so the "
                "figures of their age leave out the camera's delay"
            )
        return stamped

    def _arrival(self, start: float) -> int:
        """When an image arrived, in nanoseconds of the ROS clock."""
        return int(self.get_clock().now().nanoseconds - 1e9 * (time.monotonic() - start))

    def _health(self) -> Health:
        finding = self._watch.finding(time.monotonic())
        message = finding.message
        if finding.level == "error" and self.count_publishers(self._topic) == 0:
            message += "; nobody publishes it"
        return Health(Level[finding.level.upper()], f"{self._topic}: {message}", finding.values)


def main() -> None:
    """Run the node as a process."""
    run_node(ImageConverterNode, partial(realtime, _PRIORITY))
