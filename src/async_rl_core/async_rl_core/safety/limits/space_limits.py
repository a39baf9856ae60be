"""The limits on the space that the arm occupies."""

from collections.abc import Sequence
from typing import Protocol

from async_rl_core.config.schema import GuardConfig, RobotConfig
from async_rl_core.safety.kinematics import Kinematics
from async_rl_core.safety.limits.collision import CollisionLimit, GeometryError
from async_rl_core.safety.limits.ramp import StopPath
from async_rl_core.safety.limits.surface import LimitSurface
from async_rl_core.safety.limits.workspace import WorkspaceLimit


class SpaceLimit(Protocol):
    """A limit on the space that the arm occupies."""

    name: str

    def admits(self, path: StopPath) -> bool:
        """Returns whether the arm may move along this path."""

    def surfaces(self, q: Sequence[float]) -> list[LimitSurface]:
        """Returns the limit's surfaces near the pose `q` (n,) in rad."""


def space_limits(
    urdf: str, robot: RobotConfig, config: GuardConfig, kinematics: Kinematics
) -> tuple[list[SpaceLimit], str]:
    """Returns the limits of an arm, and the reason why collisions are not among them; empty where they are."""
    workspace = WorkspaceLimit(robot.workspace, config.workspace_margin, kinematics)
    try:
        return [workspace, CollisionLimit(urdf, robot, config.collision_margin, 1.0 / robot.state_rate)], ""
    except GeometryError as error:
        return [workspace], str(error)
    except Exception as error:  # an error of a library on a foreign description must not end the guard
        return [workspace], f"{type(error).__name__}: {error}"
