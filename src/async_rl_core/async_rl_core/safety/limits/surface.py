"""What bounds an area, and the motion along it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

KEPT = 0.003
"""Metres before a surface at which the arm slides: a stop along a curved one must have room."""
APPROACH = 0.1
"""Seconds in which the arm comes there, from before or from beyond."""
CORRECTION = 0.05
"""m/s: fastest way back from beyond."""
SWEEPS = 3
"""Rounds of projection onto the surfaces in turn."""
DAMPING = 1e-4
"""m^2 added to the squared row: bounds joint velocities near singular poses."""


@dataclass(frozen=True)
class LimitSurface:
    """`row` (n,): the speed of approach in m/s for each rad/s of a joint; `gap`: to it in metres, negative beyond."""

    row: Vector
    gap: float


def slide(velocity: Sequence[float], surfaces: Iterable[LimitSurface]) -> list[float]:
    """`velocity` (n,) in rad/s without what leads through a surface.

    Projected onto the surface, with a correction inwards from beyond it, as in Gu et al. (2017), section V-A. No joint
    is made faster than the fastest of `velocity`.
    """
    motion = np.array(velocity)
    near = list(surfaces)
    for _ in range(SWEEPS):
        for surface in near:
            excess = surface.row @ motion - max((surface.gap - KEPT) / APPROACH, -CORRECTION)
            if excess > 0.0:
                motion -= surface.row * (excess / (surface.row @ surface.row + DAMPING))
    fastest, bent = float(np.max(np.abs(velocity))), float(np.max(np.abs(motion)))
    slid: list[float] = (motion if bent <= fastest else motion * (fastest / bent)).tolist()
    return slid
