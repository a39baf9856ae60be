"""Joint states as a robot's driver publishes them."""

from array import array

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from sensor_msgs.msg import JointState

from async_rl_core.config.schema import RobotConfig


class JointStates:
    """Builds `joint_states` in the driver's order, which need not be that of the commands."""

    def __init__(self, robot: RobotConfig) -> None:
        self._order: NDArray[np.intp] = np.array([robot.joints.index(name) for name in robot.state_joints])
        self._names = list(robot.state_joints)

    def message(
        self, stamp: Time, position: NDArray[np.float64], velocity: NDArray[np.float64], effort: NDArray[np.float64]
    ) -> JointState:
        """Arrays (joints,) in command order: rad, rad/s, N m."""
        message = JointState(name=self._names)
        message.header.stamp = stamp
        message.position = array("d", position[self._order].tobytes())
        message.velocity = array("d", velocity[self._order].tobytes())
        message.effort = array("d", effort[self._order].tobytes())
        return message
