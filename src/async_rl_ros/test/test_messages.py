"""Messages of core's objects."""

from types import SimpleNamespace
from typing import cast

import numpy as np

from async_rl_core.algorithms.sac.sac import SAC
from async_rl_core.config.load import resolve
from async_rl_core.learning.learner import Learner
from async_rl_core.transport.batches import BatchSource
from async_rl_core.transport.parameters import ParameterSender
from async_rl_ros.messages import JointStates, learner_state_message
from async_rl_ros.ros_time import ros_time


def test_learner_state_message_has_progress_metrics_and_component_times() -> None:
    sac, nobody = cast(SAC, SimpleNamespace(updates=7)), SimpleNamespace()
    learner = Learner(sac, cast(BatchSource, nobody), cast(ParameterSender, nobody), publish_period=1, metrics_period=1)
    learner.env_steps = 300
    learner.metrics = {"alpha": 0.5}
    learner.updating.add(52.0)
    message = learner_state_message(learner)
    assert (message.updates, message.env_steps) == (7, 300)
    assert (list(message.metric), list(message.value)) == (["alpha"], [0.5])
    times = {histogram.name: histogram.p50 for histogram in message.histogram}
    assert times == {"sample": 0.0, "transfer": 0.0, "update": 52.0, "publish": 0.0, "update_cycle": 0.0}


def test_joint_states_message_is_in_the_drivers_order() -> None:
    robot = resolve("laptop").robot
    values = np.arange(6.0)
    message = JointStates(robot).message(ros_time(1_500_000_000), values, values + 10, values + 20)
    assert message.name == sorted(robot.joints)
    assert dict(zip(message.name, message.position, strict=True)) == dict(zip(robot.joints, values, strict=True))
    assert list(message.velocity[:3]) == [12.0, 11.0, 10.0]
    assert list(message.effort[3:]) == [23.0, 24.0, 25.0]
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (1, 500_000_000)
