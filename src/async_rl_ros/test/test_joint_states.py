"""Which value stands where in a driver's joint states."""

import numpy as np

from async_rl_core.config.load import resolve
from async_rl_ros.joint_states import JointStates
from async_rl_ros.stamps import ros_time


def test_joint_states_are_in_the_drivers_order() -> None:
    robot = resolve("laptop").robot
    values = np.arange(6.0)
    message = JointStates(robot).message(ros_time(1_500_000_000), values, values + 10, values + 20)
    assert message.name == sorted(robot.joints)
    assert dict(zip(message.name, message.position, strict=True)) == dict(zip(robot.joints, values, strict=True))
    assert list(message.velocity[:3]) == [12.0, 11.0, 10.0]
    assert list(message.effort[3:]) == [23.0, 24.0, 25.0]
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (1, 500_000_000)
