"""The workspace limit: the tool stays inside a box and a sphere."""

import math
from collections.abc import Sequence

import numpy as np

from async_rl_core.config.schema import WorkspaceConfig
from async_rl_core.safety.kinematics import Kinematics
from async_rl_core.safety.limits.ramp import StopPath
from async_rl_core.safety.limits.ratchet import Ratchet
from async_rl_core.safety.limits.surface import LimitSurface

CLEARANCE = 0.005
"""Metres kept free inside the surfaces: the error of an estimate, and of a path between two poses."""
EPSILON = 1e-9
"""Metres of rounding that do not count as outside."""


class WorkspaceLimit:
    """Keeps the tool inside the box and the sphere of `workspace`, both enlarged by `margin` metres.

    The surfaces are the six faces and the sphere. A tool that is outside one of them may not leave through another.
    """

    name = "workspace"

    def __init__(self, workspace: WorkspaceConfig, margin: float, kinematics: Kinematics) -> None:
        margin -= CLEARANCE
        self._kinematics = kinematics
        self._lower = [low - margin for low in workspace.lower]
        self._upper = [high + margin for high in workspace.upper]
        self._centre = list(workspace.sphere.center)
        self._radius = workspace.sphere.radius + margin
        self._ratchet = Ratchet(EPSILON, trading=True)

    def admits(self, path: StopPath) -> bool:
        """Returns whether the tool stays inside on this path or, if outside already, gets no further outside."""
        reach, ahead = self._kinematics.reach, path.ahead if path.ahead and any(path.ahead) else None
        length = path.length(reach)
        behind = sum(r * abs(q) for r, q in zip(reach, ahead, strict=True)) if ahead else 0.0
        if self._room(self._kinematics.position(path.start).tolist()) > length + behind:
            if self._ratchet:
                self._ratchet.update({})
            return True
        outside = self._outside(path.start, ahead)
        return self._ratchet.admits(outside, (self._outside(pose, ahead) for pose in path.poses), length)

    def surfaces(self, q: Sequence[float]) -> list[LimitSurface]:
        """Returns the six faces of the box, and the sphere."""
        tool, jacobian = self._kinematics.position(q), self._kinematics.jacobian(q)
        found = [LimitSurface(-jacobian[i], float(tool[i]) - self._lower[i]) for i in range(3)]
        found += [LimitSurface(jacobian[i], self._upper[i] - float(tool[i])) for i in range(3)]
        radial = tool - np.array(self._centre)
        distance = float(np.linalg.norm(radial))
        if distance > 0.0:
            found.append(LimitSurface(radial @ jacobian / distance, self._radius - distance))
        return found

    def _outside(self, q: Sequence[float], ahead: Sequence[float] | None) -> dict[int, float]:
        """Returns the gap of each surface, by number, that the tool is outside of at `q`, or at `q` less `ahead`."""
        poses = [q] if ahead is None else [q, [a - b for a, b in zip(q, ahead, strict=True)]]
        tools = [self._kinematics.position(pose).tolist() for pose in poses]
        if all(self._room(tool) >= -EPSILON for tool in tools):
            return {}
        gaps = map(min, *map(self._gaps, tools)) if ahead else self._gaps(tools[0])
        return {i: gap for i, gap in enumerate(gaps) if gap < -EPSILON}

    def _room(self, tool: Sequence[float]) -> float:
        """Returns the distance in m from the tool to the nearest surface, negative outside."""
        box, sphere = self._room_in_box(tool), self._room_in_sphere(tool)
        return box if box < sphere else sphere

    def _room_in_box(self, tool: Sequence[float]) -> float:
        return min(self._gaps_in_box(tool))

    def _room_in_sphere(self, tool: Sequence[float]) -> float:
        return self._radius - math.dist(tool, self._centre)

    def _gaps(self, tool: Sequence[float]) -> tuple[float, ...]:
        return *self._gaps_in_box(tool), self._room_in_sphere(tool)

    def _gaps_in_box(self, tool: Sequence[float]) -> tuple[float, ...]:
        (x, y, z), (x0, y0, z0), (x1, y1, z1) = tool, self._lower, self._upper
        return x - x0, x1 - x, y - y0, y1 - y, z - z0, z1 - z
