"""The node over the real middleware: a camera of any kind in, the agent's images out."""

import time
import uuid
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from async_rl_core.config.load import resolve, write_config
from async_rl_core.errors import ConfigError
from async_rl_ros import qos
from async_rl_ros.ros_time import nanoseconds, ros_time
from image_converter_node.node import ImageConverterNode

TIMEOUT = 20.0
STAMP = 1_700_000_000_123_456_789
GREEN = np.broadcast_to(np.array([10, 200, 30], np.uint8), (96, 128, 3))


class Bench:
    """The node, and beside it a camera and a listener, in a namespace of their own."""

    def __init__(self, folder: Path, **overrides: object) -> None:
        path = folder / "config.yaml"
        write_config(resolve("laptop", {key.replace("__", "."): value for key, value in overrides.items()}), path)
        namespace = f"test_{uuid.uuid4().hex}"
        rclpy.init(args=["--ros-args", "-r", f"__ns:=/{namespace}", "-p", f"config:={path}"])
        self.images: list[Image] = []
        self.statuses: list[DiagnosticStatus] = []
        self.node = ImageConverterNode()
        self.camera = Node("camera")
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.camera)
        self.executor.add_node(self.node)
        self.camera.create_subscription(Image, "image_converter_node/image", self.images.append, qos.SENSOR)
        self.camera.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)
        self.raw = self.camera.create_publisher(Image, "eye", qos.DRIVER)
        self.compressed = self.camera.create_publisher(CompressedImage, "eye/compressed", qos.DRIVER)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        name = self.node.get_fully_qualified_name().removeprefix("/")
        self.statuses += [status for status in message.status if status.name == name]

    def wait_for(self, condition: Callable[[], bool], again: Callable[[], None] = lambda: None) -> None:
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            assert time.monotonic() < deadline, f"{len(self.images)} images, {self.statuses[-1:]}"
            again()
            self.executor.spin_once(timeout_sec=0.05)

    def seen(self, publish: Callable[[], None]) -> Image:
        """Publishes until a message comes back, and returns it: the first may be lost during discovery."""
        self.images.clear()
        self.wait_for(lambda: len(self.images) > 2, publish)  # two may be on their way from before
        return self.images[-1]

    def told(self, words: str, publish: Callable[[], None]) -> DiagnosticStatus:
        """The status that says so, of those that come while this is published again and again."""
        self.statuses.clear()
        self.wait_for(lambda: any(words in status.message for status in self.statuses), publish)
        return self.statuses[-1]

    def show(self, pixels: np.ndarray, encoding: str, padding: int = 0, stamp: int = STAMP) -> None:
        height, width, channels = pixels.shape
        rows = np.zeros((height, width * channels + padding), np.uint8)
        rows[:, : width * channels] = pixels.reshape(height, -1)
        message = Image(height=height, width=width, encoding=encoding, step=rows.shape[1])
        message.header.stamp, message.header.frame_id = ros_time(stamp), "wrist"
        message.data = array("B", rows.tobytes())
        self.raw.publish(message)

    def close(self) -> None:
        self.executor.shutdown()
        for node in (self.node, self.camera):
            node.destroy_node()
        rclpy.shutdown()


@pytest.fixture
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bench]:
    made = Bench(tmp_path, **request.param)
    yield made
    made.close()


def pixels_of(message: Image) -> np.ndarray:
    return np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, 3)


@pytest.mark.parametrize("bench", [{"camera__source": "topic:eye", "camera__stamp_delay": 0.02}], indirect=True)
def test_node_with_a_changed_camera_converts_and_reports_it(bench: Bench) -> None:
    image = bench.seen(lambda: bench.show(GREEN, "rgb8", padding=16))
    assert (image.width, image.height, image.encoding, image.step) == (80, 45, "rgb8", 240)
    assert (nanoseconds(image.header.stamp), image.header.frame_id) == (STAMP - 20_000_000, "wrist")
    np.testing.assert_array_equal(pixels_of(image), GREEN[:45, :80])
    np.testing.assert_array_equal(pixels_of(bench.seen(lambda: bench.show(GREEN[..., ::-1], "bgr8"))), GREEN[:45, :80])
    unstamped = [bench.seen(lambda: bench.show(GREEN, "rgb8", stamp=0)).header.stamp for _ in range(2)]
    assert abs(nanoseconds(unstamped[0]) - bench.node.get_clock().now().nanoseconds) < 10e9
    assert nanoseconds(unstamped[1]) > nanoseconds(unstamped[0])
    bench.seen(lambda: bench.show(GREEN, "bgr8"))
    change = "eye: the camera changed from 128x96 rgb8 to 128x96 bgr8"
    assert bench.told(change, lambda: bench.show(GREEN, "bgr8")).level == DiagnosticStatus.WARN
    refusal = "'mono8' is not supported"
    assert bench.told(refusal, lambda: bench.show(GREEN[..., :1], "mono8")).level == DiagnosticStatus.ERROR
    assert bench.seen(lambda: bench.show(GREEN, "rgb8")).width == 80


@pytest.mark.parametrize("bench", [{"camera__source": "topic:eye/compressed"}], indirect=True)
def test_node_with_a_compressed_camera_converts_it(bench: Bench) -> None:
    data = array("B", cv2.imencode(".png", GREEN[..., ::-1])[1].tobytes())
    image = bench.seen(lambda: bench.compressed.publish(CompressedImage(format="png", data=data)))
    np.testing.assert_array_equal(pixels_of(image), GREEN[:45, :80])
    broken = CompressedImage(format="jpeg", data=data[:50])
    refusal = "eye/compressed: pictures are refused: a png picture of 50 bytes"
    assert bench.told(refusal, lambda: bench.compressed.publish(broken)).level == DiagnosticStatus.ERROR


def test_node_with_a_simulated_camera_is_refused(tmp_path: Path) -> None:
    write_config(resolve("laptop"), tmp_path / "config.yaml")
    rclpy.init(args=["--ros-args", "-p", f"config:={tmp_path / 'config.yaml'}"])
    try:
        with pytest.raises(ConfigError, match="the simulated camera needs no image_converter_node"):
            ImageConverterNode()
    finally:
        rclpy.shutdown()
