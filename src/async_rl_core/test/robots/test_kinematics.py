"""The descriptions against their makers' tables of Denavit-Hartenberg parameters."""

import numpy as np
import pytest
from numpy.typing import NDArray

from async_rl_core.config.load import resolve
from async_rl_core.safety.kinematics import Kinematics
from async_rl_core.sim.model import urdf_text

HALF = np.pi / 2
UR_TWIST = (HALF, 0.0, 0.0, HALF, -HALF, 0.0)
UR = {  # d, a
    "ur5": ((0.089159, 0.0, 0.0, 0.10915, 0.09465, 0.0823), (0.0, -0.425, -0.39225, 0.0, 0.0, 0.0)),
    "ur5e": ((0.1625, 0.0, 0.0, 0.1333, 0.0997, 0.0996), (0.0, -0.425, -0.3922, 0.0, 0.0, 0.0)),
}
FRANKA = [  # a, d, alpha in Craig's convention; the same for Panda and FR3
    (0.0, 0.333, 0.0), (0.0, 0.0, -HALF), (0.0, 0.316, HALF), (0.0825, 0.0, HALF), (-0.0825, 0.384, -HALF),
    (0.0, 0.0, HALF), (0.088, 0.0, HALF),
]  # fmt: skip
FLANGE_TO_TCP = 0.107 + 0.1034


def turn(axis: int, angle: float) -> NDArray[np.float64]:
    """A rotation about x (0) or z (2) as a homogeneous matrix."""
    matrix, (i, j) = np.eye(4), ((1, 2) if axis == 0 else (0, 1))
    matrix[[i, j], [i, j]] = np.cos(angle)
    matrix[j, i], matrix[i, j] = np.sin(angle), -np.sin(angle)
    return matrix


def shift(x: float, z: float) -> NDArray[np.float64]:
    matrix = np.eye(4)
    matrix[0, 3], matrix[2, 3] = x, z
    return matrix


def universal(robot: str, q: NDArray[np.float64]) -> NDArray[np.float64]:
    """The tool in base_link, which is turned by half a turn against the maker's base."""
    pose = turn(2, np.pi)
    for angle, d, a, twist in zip(q, *UR[robot], UR_TWIST, strict=True):
        pose = pose @ turn(2, angle) @ shift(a, d) @ turn(0, twist)
    return pose[:3, 3]


def franka(robot: str, q: NDArray[np.float64]) -> NDArray[np.float64]:
    pose = np.eye(4)
    for angle, (a, d, alpha) in zip(q, FRANKA, strict=True):
        pose = pose @ turn(0, alpha) @ shift(a, 0.0) @ turn(2, angle) @ shift(0.0, d)
    return (pose @ shift(0.0, FLANGE_TO_TCP))[:3, 3]


@pytest.mark.parametrize(
    ("robot", "table"), [("ur5", universal), ("ur5e", universal), ("panda", franka), ("fr3", franka)]
)
def test_kinematics_matches_the_makers_table(robot: str, table: object) -> None:
    config = resolve("laptop", {}, robot).robot
    kinematics = Kinematics(urdf_text(config), config.joints, config.workspace.frame, config.tool_frame)
    for q in np.random.default_rng(0).uniform(-2.5, 2.5, (20, len(config.joints))):
        np.testing.assert_allclose(kinematics.position(q), table(robot, q), atol=1e-9)  # type: ignore[operator]
