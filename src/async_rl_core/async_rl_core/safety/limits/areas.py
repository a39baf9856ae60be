"""What the arm must stay inside of, or clear of, by its robot_description."""

from async_rl_core.config.schema import GuardConfig, RobotConfig
from async_rl_core.safety.kinematics import Kinematics
from async_rl_core.safety.limits.collision import Bodies, GeometryError
from async_rl_core.safety.limits.limit_filter import Area
from async_rl_core.safety.limits.workspace import WorkspaceLimit


def areas_of(urdf: str, robot: RobotConfig, config: GuardConfig, kinematics: Kinematics) -> tuple[list[Area], str]:
    """Returns the areas that limit the arm, and why collisions are not among them; empty where they are."""
    zone = WorkspaceLimit(robot.workspace, config.workspace_margin, kinematics)
    try:
        return [zone, Bodies(urdf, robot, config.collision_margin, 1.0 / robot.state_rate)], ""
    except GeometryError as error:
        return [zone], str(error)
    except Exception as error:  # whatever a library makes of a foreign message must not end the guard
        return [zone], f"{type(error).__name__}: {error}"
