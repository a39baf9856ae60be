"""Publications of the agent: the core's values become messages."""

from typing import TypeVar

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from rclpy.duration import Duration

from async_rl_core import topics
from async_rl_core.agent.observation import Frame
from async_rl_core.spec.observation import ObservationSpec
from async_rl_core.topics import private
from async_rl_interfaces.msg import Episode, FeaturePoints, LearnerState, Timing, VelocityCommand
from async_rl_ros import qos
from async_rl_ros.messages import LEARNER_STATE_TOPIC
from async_rl_ros.node import ConfiguredNode
from async_rl_ros.ros_time import ros_time

M = TypeVar("M", Episode, LearnerState, Timing)


class AgentOutputs:
    """Publishes on behalf of `node`.

    Attributes:
        description: digest of the robot_description in use, which every command names.
    """

    def __init__(self, node: ConfiguredNode, learns_here: bool) -> None:
        config = node.config
        self.description = ""
        self._ros_clock = node.get_clock()
        self._command = node.create_publisher(VelocityCommand, private(topics.AGENT_COMMAND), qos.COMMAND)
        self._episodes = node.create_publisher(Episode, private(topics.EPISODE), qos.LATCHED_HISTORY)
        self._timings = node.create_publisher(Timing, private(topics.TIMING), qos.LATCHED)
        if learns_here:
            self._learner_states = node.create_publisher(LearnerState, LEARNER_STATE_TOPIC, qos.LATCHED)
        self._points = node.create_publisher(FeaturePoints, private(topics.FEATURE_POINTS), qos.SENSOR)
        image = ObservationSpec.from_config(config).image
        shown = (0, 0) if image is None else (image.width, image.height)
        self._crop_share = np.array(shown) / (config.camera.width, config.camera.height)
        self._message = VelocityCommand(name=list(config.robot.joints))
        self._message.header.frame_id = config.robot.base_frame

    def system_time(self) -> int:
        """Returns the nanoseconds of ROS's clock."""
        return int(self._ros_clock.now().nanoseconds)

    def command(self, velocity: NDArray[np.float64], answered: Frame | None = None) -> None:
        """Publishes a joint velocity (n,) in rad/s, which answers a new frame if there is one."""
        message = self._message
        message.header.stamp = self._ros_clock.now().to_msg()
        message.description = self.description
        message.sequence += 1
        message.observation_stamp = ros_time(answered.stamp) if answered else Time()
        message.velocity = velocity.tolist()
        self._command.publish(message)

    def feature_points(self, newest: Frame, points: NDArray[np.float32]) -> None:
        """Publishes where the encoder looks, (k, 2) in the cropped image from -1 to 1, if anyone listens."""
        if self._points.get_subscription_count() == 0:
            return
        shown = points * self._crop_share
        message = FeaturePoints(x=shown[:, 0].tolist(), y=shown[:, 1].tolist())
        message.header.stamp = ros_time(newest.stamp)
        self._points.publish(message)

    def episode(self, message: Episode) -> None:
        """Publishes an episode that ended."""
        self._episodes.publish(self._stamped(message))

    def wait_until_received(self, seconds: float) -> bool:
        """Waits until every subscriber has each episode, for `seconds` at most; returns whether that is so.

        An episode that this process still holds is lost with it.
        """
        received: bool = self._episodes.wait_for_all_acked(Duration(nanoseconds=round(1e9 * seconds)))
        return received

    def timing(self, message: Timing) -> None:
        """Publishes the deadlines and latencies so far."""
        self._timings.publish(self._stamped(message))

    def learner_state(self, message: LearnerState) -> None:
        """Publishes the progress of a learner in this process."""
        self._learner_states.publish(self._stamped(message))

    def _stamped(self, message: M) -> M:
        message.header.stamp = self._ros_clock.now().to_msg()
        return message
