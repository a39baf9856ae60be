"""The robot's description by its file, to compare `robot_description` with."""

from collections.abc import Callable

from async_rl_core.config.schema import RobotConfig
from async_rl_core.errors import AsyncRLError
from async_rl_core.sim.model import urdf_text


def reference_description(robot: RobotConfig, warn: Callable[[str], object]) -> str | None:
    """The URDF that the robot's file names; None, with a warning, where it cannot be read."""
    try:
        return urdf_text(robot)
    except (AsyncRLError, OSError, UnicodeError) as error:
        warn(f"robot_description is not compared with {robot.model}: {error}")
        return None
