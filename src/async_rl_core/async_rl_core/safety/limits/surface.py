"""The surfaces of space limits, and motion along them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

KEPT = 0.003
"""Metres before a surface at which the arm slides, so that a stop along a curved surface has room."""
APPROACH = 0.1
"""Time constant in seconds of the approach to that distance, from either side."""
CORRECTION = 0.05
"""Highest speed in m/s of the way back from outside."""
SWEEPS = 3
"""Rounds of projection onto all surfaces."""
DAMPING = 1e-4
"""m^2 added to the squared row, which bounds joint velocities near singular poses."""


@dataclass(frozen=True)
class LimitSurface:
    """A surface near the arm.

    Attributes:
        row: (n,) speed of approach in m/s per rad/s of each joint.
        gap: distance in metres, negative outside.
    """

    row: Vector
    gap: float


def slide(velocity: Sequence[float], surfaces: Iterable[LimitSurface]) -> list[float]:
    """Returns `velocity` (n,) in rad/s without the part that leads through a surface.

    It is projected onto the surfaces, with a correction inwards from outside, as in Gu et al. (2017), section V-A. The
    fastest joint does not become faster.
    """
    motion = np.array(velocity)
    near = list(surfaces)
    for _ in range(SWEEPS):
        for surface in near:
            excess = surface.row @ motion - max((surface.gap - KEPT) / APPROACH, -CORRECTION)
            if excess > 0.0:
                motion -= surface.row * (excess / (surface.row @ surface.row + DAMPING))
    before, after = float(np.max(np.abs(velocity))), float(np.max(np.abs(motion)))
    slid: list[float] = (motion if after <= before else motion * (before / after)).tolist()
    return slid
