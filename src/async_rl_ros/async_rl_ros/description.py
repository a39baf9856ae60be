"""The robot's description: from its file, and as published."""

from collections.abc import Callable

from async_rl_core.config.schema import RobotConfig
from async_rl_core.errors import AsyncRLError
from async_rl_core.safety.inputs.description_input import DescriptionInput
from async_rl_core.safety.kinematics import Kinematics
from async_rl_core.sim.model import urdf_text


def reference_description(robot: RobotConfig, warn: Callable[[str], object]) -> str | None:
    """Returns the URDF that the robot's file names; None, with a warning, where it cannot be read."""
    try:
        return urdf_text(robot)
    except (AsyncRLError, OSError, UnicodeError) as error:
        warn(f"robot_description is not compared with {robot.model}: {error}")
        return None


def description_input(robot: RobotConfig, warn: Callable[[str], object]) -> DescriptionInput:
    """Returns the input that compares `robot_description` with the robot's file."""
    return DescriptionInput(robot, reference_description(robot, warn))


def take_description(
    descriptions: DescriptionInput, urdf: str, log_error: Callable[[str], object]
) -> Kinematics | None:
    """Judges a description. Returns its kinematics if it was accepted; a new problem is logged once."""
    before = descriptions.problem
    taken = descriptions.take(urdf)
    if descriptions.problem and descriptions.problem != before:
        log_error(descriptions.problem)
    return descriptions.kinematics if taken else None
