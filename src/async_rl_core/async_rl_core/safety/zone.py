"""The space that the tool stays in: a box and a sphere."""

import math
from collections.abc import Sequence

import numpy as np

from async_rl_core.config.schema import Workspace
from async_rl_core.safety.kinematics import Kinematics
from async_rl_core.safety.path import StopPath
from async_rl_core.safety.surface import Surface

CLEARANCE = 0.005
"""Metres kept free before the surfaces: what a path may stand out between two poses, and an estimate be wrong by."""
EPSILON = 1e-9


class ToolZone:
    """Where the tool may be: in the box and in the sphere of `workspace`, both enlarged by `margin` metres."""

    name = "workspace"

    def __init__(self, workspace: Workspace, margin: float, kinematics: Kinematics) -> None:
        margin -= CLEARANCE
        self._kinematics = kinematics
        self._lower = [low - margin for low in workspace.lower]
        self._upper = [high + margin for high in workspace.upper]
        self._centre = list(workspace.sphere.center)
        self._radius = workspace.sphere.radius + margin

    def admits(self, path: StopPath) -> bool:
        """Whether the tool stays inside on this path; where it is outside already, whether it gets no further out."""
        room = self._room(path.start)
        if room > path.length(self._kinematics.reach):
            return True
        least = min(room, 0.0) - EPSILON
        return all(self._room(pose) >= least for pose in path.poses)

    def surfaces(self, q: Sequence[float]) -> list[Surface]:
        """The faces of the box, and the sphere."""
        tool, jacobian = self._kinematics.position(q), self._kinematics.jacobian(q)
        found = [Surface(-jacobian[i], float(tool[i]) - self._lower[i]) for i in range(3)]
        found += [Surface(jacobian[i], self._upper[i] - float(tool[i])) for i in range(3)]
        radial = tool - np.array(self._centre)
        distance = float(np.linalg.norm(radial))
        if distance > 0.0:
            found.append(Surface(radial @ jacobian / distance, self._radius - distance))
        return found

    def _room(self, q: Sequence[float]) -> float:
        """The distance in m from the tool to the nearest surface, negative outside."""
        tool: list[float] = self._kinematics.position(q).tolist()
        box, sphere = self._room_in_box(tool), self._room_in_sphere(tool)
        return box if box < sphere else sphere

    def _room_in_box(self, tool: Sequence[float]) -> float:
        (x, y, z), (x0, y0, z0), (x1, y1, z1) = tool, self._lower, self._upper
        return min(x - x0, x1 - x, y - y0, y1 - y, z - z0, z1 - z)

    def _room_in_sphere(self, tool: Sequence[float]) -> float:
        return self._radius - math.dist(tool, self._centre)
