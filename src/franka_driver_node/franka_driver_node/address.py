"""Where the simulated arm of a ROS domain is found."""

import os

from async_rl_core.config.schema import Config
from async_rl_core.ros_environment import ros_domain


def robot_address(config: Config) -> str:
    """The real robot's address, or in simulation one on this machine that is the ROS domain's own."""
    return config.robot_ip or f"127.1.{ros_domain(os.environ)}.1"
