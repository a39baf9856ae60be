"""Camera frames with the encoder's feature points, for RViz and for videos."""

from pathlib import Path

import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image as ImageMessage

from async_rl_core import topics
from async_rl_core.config.schema import Config
from async_rl_core.monitoring.background_worker import BackgroundWorker
from async_rl_core.monitoring.frame_buffer import FrameBuffer, Image
from async_rl_core.monitoring.overlay import annotate
from async_rl_core.monitoring.video_recorder import Frames, VideoRecorder
from async_rl_interfaces.msg import FeaturePoints
from async_rl_ros.images import CvBridge, CvBridgeError
from async_rl_ros.qos import SENSOR
from async_rl_ros.ros_time import nanoseconds
from monitor_node.messages import points_of

TOPIC = topics.MONITOR_IMAGE
EVERY_FRAME = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
"""Deep enough for the frames that arrive while a curve is drawn."""


class CameraRecorder:
    """Subscribes to the camera only while a video is recorded or `monitor_node/camera` has a subscriber.

    Args:
        node: subscribes and publishes.
        config: of the run.
        worker: encodes videos.
        folder: of the videos.
    """

    def __init__(self, node: Node, config: Config, worker: BackgroundWorker, folder: Path) -> None:
        self._node = node
        self._every = config.logging.video_every if config.record_video else 0
        self._rate = config.camera.rate
        self._source = config.image_topic
        self._folder = folder
        self._worker = worker
        self._frames = FrameBuffer(round(config.agent.episode_duration * config.camera.rate))
        self._bridge = CvBridge()
        self._publisher = node.create_publisher(ImageMessage, TOPIC, SENSOR)
        self._waiting: ImageMessage | None = None
        self._videos = VideoRecorder(self._every, self._write)
        if self._every:
            for left in folder.glob(".episode_*.mp4"):  # left by a killed process
                left.unlink(missing_ok=True)
        self._listening = False

    def subscribe_if_needed(self) -> None:
        """Subscribes as soon as images are needed."""
        if not self._listening and (self._every or self._watched):
            self._listening = True
            self._node.create_subscription(ImageMessage, self._source, self._on_image, EVERY_FRAME)
            self._node.create_subscription(FeaturePoints, topics.FEATURE_POINTS, self._on_points, EVERY_FRAME)

    def end_episode(self, episode: int) -> None:
        """Writes the video of the episode that just ended, if it is selected."""
        self._videos.end(episode, self._frames.take())

    def close(self) -> list[str]:
        """Writes the video of the last episode; returns a line if no video was written."""
        return self._videos.close()

    def _write(self, episode: int, frames: Frames) -> None:
        path = self._folder / f"episode_{episode:04d}.mp4"
        self._worker.submit(f"writing {path}", lambda: _write(path, frames, self._rate), keep=True)

    @property
    def _watched(self) -> bool:
        return bool(self._publisher.get_subscription_count() > 0)

    def _on_image(self, message: ImageMessage) -> None:
        try:
            image: Image = np.asarray(self._bridge.imgmsg_to_cv2(message, "rgb8"), np.uint8)
        except CvBridgeError:  # the agent reports it
            return
        if image.size == 0:
            return
        self._frames.add_frame(nanoseconds(message.header.stamp), image)
        if not self._watched:
            return
        if self._waiting is not None:  # no points: random actions, or a reset
            self._show(self._waiting)
        self._waiting = message

    def _on_points(self, message: FeaturePoints) -> None:
        if len(message.x) != len(message.y):  # not from the agent of the suite
            return
        self._frames.add_points(nanoseconds(message.header.stamp), points_of(message))
        if self._waiting is not None and self._waiting.header.stamp == message.header.stamp:
            self._show(self._waiting, message)
            self._waiting = None

    def _show(self, image: ImageMessage, points: FeaturePoints | None = None) -> None:
        pixels = np.asarray(self._bridge.imgmsg_to_cv2(image, "rgb8"), np.uint8)
        picture = annotate(pixels, None if points is None else points_of(points))
        self._publisher.publish(self._bridge.cv2_to_imgmsg(picture, "rgb8", image.header))


def _write(path: Path, frames: Frames, rate: float) -> None:
    from async_rl_core.monitoring.video import write_video  # slow import of codecs, which few runs need

    write_video(path, frames, rate)
