"""Messages that several nodes publish, made from core's objects."""

from array import array
from typing import TYPE_CHECKING

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from sensor_msgs.msg import JointState

from async_rl_core import topics
from async_rl_core.config.schema import RobotConfig
from async_rl_core.realtime.histogram import Histogram
from async_rl_interfaces.msg import Histogram as HistogramMessage
from async_rl_interfaces.msg import LearnerState

if TYPE_CHECKING:  # so that nodes without a learner do not load torch
    from async_rl_core.learning.learner import Learner

LEARNER_STATE_TOPIC = topics.LEARNER_STATE
"""Published by the process that learns: the learner's or, with Seq-SAC, the agent's."""


def histogram_message(histogram: Histogram) -> HistogramMessage:
    """Returns the message of a histogram in milliseconds."""
    return HistogramMessage(
        name=histogram.name,
        unit="ms",
        edge=histogram.edges.tolist(),
        count=histogram.counts.tolist(),
        mean=histogram.mean,
        p50=histogram.percentile(50),
        p99=histogram.percentile(99),
        max=histogram.max,
    )


def learner_state_message(learner: "Learner") -> LearnerState:
    """Returns progress, the newest metrics and the component times; the publisher fills the header."""
    return LearnerState(
        updates=learner.algorithm.updates,
        env_steps=learner.env_steps,
        metric=list(learner.metrics),
        value=list(learner.metrics.values()),
        histogram=[histogram_message(part) for part in learner.components],
    )


class JointStates:
    """Builds `joint_states` in the driver's order of joints, which may differ from the command order."""

    def __init__(self, robot: RobotConfig) -> None:
        self._order: NDArray[np.intp] = np.array([robot.joints.index(name) for name in robot.state_joints])
        self._names = list(robot.state_joints)

    def message(
        self, stamp: Time, position: NDArray[np.float64], velocity: NDArray[np.float64], effort: NDArray[np.float64]
    ) -> JointState:
        """Returns a message of arrays (joints,) in command order: rad, rad/s, N m."""
        message = JointState(name=self._names)
        message.header.stamp = stamp
        message.position = array("d", position[self._order].tobytes())
        message.velocity = array("d", velocity[self._order].tobytes())
        message.effort = array("d", effort[self._order].tobytes())
        return message
