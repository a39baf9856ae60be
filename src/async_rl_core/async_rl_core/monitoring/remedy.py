"""Commands that a person types in another terminal after a fault of the guard."""

import shlex
from collections.abc import Mapping

from async_rl_core.config.schema import Config
from async_rl_core.ros_environment import ros_domain

CHECKOUT = "ASYNC_RL_ROOT"
"""Environment variable that names the checkout of this environment (tools/run.sh)."""


def command_line(words: str, ambient: Mapping[str, str]) -> str:
    """Returns an `async_rl` command that works in a new terminal."""
    variable = f"ROS_DOMAIN_ID={ros_domain(ambient)} " if ambient.get("ROS_DOMAIN_ID") else ""
    root = ambient.get(CHECKOUT)
    runner = f"{shlex.quote(root + '/tools/run.sh')} " if root else ""
    return f"{variable}{runner}async_rl {words}"


def remedy(config: Config, ambient: Mapping[str, str]) -> str:
    """Returns the commands to type after a fault, in order."""
    secure = " secure:=true" if config.secure else ""
    commands = []
    driver = config.robot_driver
    if driver is not None and driver.via == "launch" and driver.controller:
        commands.append(f"ros2 control switch_controllers --activate {driver.controller}")
    commands.append(command_line(f"reset-fault{secure}", ambient))
    if not config.guard.auto_arm:
        commands.append(command_line(f"arm{secure}", ambient))
    return " && ".join(commands)
