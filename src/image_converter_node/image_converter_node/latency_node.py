"""`latency_node`: measures the delay from the light to the camera's stamps, by the target on the monitor."""

import math
import time
from collections import deque
from collections.abc import Callable
from itertools import combinations
from operator import itemgetter

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image, JointState

from async_rl_core import topics
from async_rl_core.camera.contrast import Contrast
from async_rl_core.camera.latency import LatencyEstimate, measure
from async_rl_core.errors import ImageError
from async_rl_interfaces.msg import Target
from async_rl_interfaces.srv import ResetTarget
from async_rl_ros import qos
from async_rl_ros.images import CvBridge
from async_rl_ros.messages import JointStates
from async_rl_ros.node import ConfiguredNode, StopSignal
from async_rl_ros.node import main as run_node
from async_rl_ros.ros_time import every, nanoseconds

START_TIMEOUT = 20.0
"""Seconds for the camera and the monitor to start."""
ANSWER_TIMEOUT = 2.0
"""Seconds for the target to be moved."""
EPISODES = 8
"""Number of target positions among which the two farthest apart are chosen."""
STILL = 1.0
"""Seconds for which each of the two is shown first, to record its image; the second half counts."""
INTERVAL = 0.4
"""Minimum seconds between two changes; a latency of up to half of it is found at any frame rate."""
GOLDEN = (math.sqrt(5) - 1) / 2
"""Golden ratio: the fractional parts of its multiples are spread evenly."""

_KEPT = 60  # frames
_EVERY_FRAME = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)


class LatencyNode(ConfiguredNode):
    """Moves the target between two positions, compares times and stamps, prints the latency, and ends.

    With the simulated camera it also publishes the joint states of an arm at rest in its start pose.
    """

    def __init__(self) -> None:
        super().__init__("latency_node")
        config = self.config
        self._flashes = self.declare_parameter("flashes", 60).get_parameter_value().integer_value
        self._bridge = CvBridge()
        self._origin = self.get_clock().now().nanoseconds
        self._frames: deque[NDArray[np.uint8]] = deque(maxlen=_KEPT)
        self._contrast: Contrast | None = None
        self._seen: list[tuple[float, float]] = []  # stamp in s, signal
        self._episode = -1
        self._changed = 0.0
        self._position = (0.0, 0.0)
        self.create_subscription(Image, config.image_topic, self._on_image, _EVERY_FRAME)
        self.create_subscription(Target, topics.TARGET, self._on_target, qos.LATCHED)
        self._reset = self.create_client(ResetTarget, topics.RESET_TARGET)
        if config.camera_topic is None:
            self._states = self.create_publisher(JointState, config.robot.state_topic, qos.DRIVER)
            self._joint_states = JointStates(config.robot)
            every(self, 1 / config.robot.state_rate, self._publish_rest)

    def run(self, stop: StopSignal) -> None:
        """Measures and reports; a requested stop ends it at once."""
        self._stop = stop
        try:
            latency = self._measure()
        except _StoppedError:
            return
        for line in self._report(latency):
            print(line, flush=True)

    def _measure(self) -> LatencyEstimate:
        self._await(lambda: bool(self._frames), START_TIMEOUT, "no image; check the camera's driver")
        self._await(self._reset.service_is_ready, START_TIMEOUT, "no answer from visual_target_node")
        first, second = self._farthest_pair()
        last, then = self._record(second), self._record(first)
        self._contrast = Contrast(then, last)
        # Not a whole number of the camera's periods, so that the changes fall on all of its phases.
        interval = (math.ceil(INTERVAL * self.config.camera.rate) + GOLDEN) / self.config.camera.rate
        due = time.monotonic()
        flashes: list[float] = []
        for index in range(self._flashes):
            flashes.append(self._place(first if index % 2 else second))
            due += interval
            self._spin(due)
        seen = sorted(self._seen, key=itemgetter(0))
        return measure(flashes, [stamp for stamp, _ in seen], [signal for _, signal in seen])

    def _farthest_pair(self) -> tuple[int, int]:
        """Returns the two episodes whose targets are farthest apart."""
        places = {}
        for episode in range(EPISODES):
            self._place(episode)
            places[episode] = self._position
        return max(combinations(places, 2), key=lambda pair: math.dist(places[pair[0]], places[pair[1]]))

    def _record(self, episode: int) -> list[NDArray[np.uint8]]:
        """Returns frames of the target of an episode."""
        self._place(episode)
        self._spin(time.monotonic() + STILL / 2)
        self._frames.clear()
        self._spin(time.monotonic() + STILL / 2)
        return list(self._frames)

    def _place(self, episode: int) -> float:
        """Moves the target to its position in an episode. Returns the time in seconds since the origin."""
        self._reset.call_async(ResetTarget.Request(episode=episode))
        self._await(lambda: self._episode == episode, ANSWER_TIMEOUT, "the target was not moved by visual_target_node")
        return self._changed

    def _await(self, condition: Callable[[], bool], timeout: float, problem: str) -> None:
        end = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > end:
                raise ImageError(f"within {timeout:g} s: {problem}")
            self._spin_once(end)

    def _spin(self, end: float) -> None:
        while time.monotonic() < end:
            self._spin_once(end)

    def _spin_once(self, end: float) -> None:
        if self._stop.requested:
            raise _StoppedError
        self.executor_.spin_once(timeout_sec=min(max(end - time.monotonic(), 0.001), 0.1))

    def _on_image(self, message: Image) -> None:
        pixels = self._bridge.imgmsg_to_cv2(message, "rgb8")
        if self._contrast is None:
            self._frames.append(np.array(pixels))
        else:
            self._seen.append((self._seconds(message.header.stamp), self._contrast(pixels)))

    def _on_target(self, message: Target) -> None:
        if message.episode != self._episode:  # otherwise it is a repetition
            self._episode = message.episode
            self._changed = self._seconds(message.header.stamp)
            self._position = (message.x, message.y)

    def _publish_rest(self) -> None:
        now, rest = self.get_clock().now().to_msg(), np.zeros(len(self.config.robot.joints))
        self._states.publish(self._joint_states.message(now, np.array(self.config.robot.start), rest, rest))

    def _seconds(self, stamp: Time) -> float:
        return float(1e-9 * (nanoseconds(stamp) - self._origin))

    def _report(self, latency: LatencyEstimate) -> list[str]:
        config = self.config
        figures = (
            f"from the light to the stamp: {1e3 * latency.median:.1f} ms (median), known to "
            f"{1e3 * latency.resolution:.1f} ms; nine of ten flashes agree with it to {1e3 * latency.spread:.1f} ms; "
            f"{latency.flashes} of {self._flashes} seen"
        )
        if config.camera_topic is None:
            return [figures, f"sim.stamp_delay is {1e3 * config.sim.stamp_delay:.1f} ms"]
        delay = max(latency.median + config.camera.stamp_delay, 0.0)
        return [
            f"{figures}; of this, the monitor's own delay is a part",
            f"to have it taken off the stamps, write into a preset of your own: camera: {{stamp_delay: {delay:.4f}}}",
        ]


class _StoppedError(Exception):
    """A stop was requested during the measurement."""


def main() -> None:
    """Runs the node as a process."""
    run_node(LatencyNode)
