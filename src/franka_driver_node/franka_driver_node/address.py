"""The network address of the robot, or of its simulator."""

import os

from async_rl_core.config.schema import Config
from async_rl_core.ros_environment import ros_domain


def robot_address(config: Config) -> str:
    """Returns the real robot's address or, in simulation, a local one that is unique to the ROS domain."""
    return config.robot_ip or f"127.1.{ros_domain(os.environ)}.1"
