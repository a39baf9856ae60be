"""The rule for an arm that is outside a limit already."""

import math
from collections.abc import Iterable, Mapping

LEAVING = 0.01
"""Metres of gap that a motion must gain per metre of displacement to count as leaving the surface.

Noise of the joint states gains less: 0.2 mrad change a motion by less than a tenth of this.
"""


class Ratchet:
    """Keeps the largest gap to each surface that the arm is outside of, since it first was outside.

    A motion may reduce no gap below that largest one, less `tolerance` metres for rounding. A comparison with the
    present gap would let noise and rounding accumulate over the cycles. A motion that leaves the surface is always
    admitted, so noise cannot block the arm. A surface is forgotten once the arm is inside again.

    Gaps are in metres and negative outside.

    Args:
        tolerance: metres.
        trading: a motion that leaves the surface with the smallest gap may reduce the gaps to the other violated
            surfaces as far as that gap. Otherwise a tool far outside could not return.
    """

    def __init__(self, tolerance: float, trading: bool = False) -> None:
        self._tolerance = tolerance
        self._trading = trading
        self._best: dict[int, float] = {}

    def __bool__(self) -> bool:
        """Whether the arm was outside a surface in the last cycle."""
        return bool(self._best)

    def update(self, gaps: Mapping[int, float]) -> None:
        """Takes the gap of every surface, by number, that the arm is outside of now."""
        self._best = {i: max(gap, self._best.get(i, gap)) for i, gap in gaps.items()}

    def admits(self, start: Mapping[int, float], poses: Iterable[Mapping[int, float]], length: float) -> bool:
        """Returns whether a path leaves no further surface, and gets no further outside those of its start.

        Args:
            start: gaps at the present pose, by number, of the surfaces that the arm is outside of.
            poses: the same at each pose of the path.
            length: upper bound in metres of a body's displacement on the path.
        """
        self.update(start)
        furthest = min(start.values(), default=math.inf)
        allowed = dict.fromkeys(start, furthest) if self._trading else start
        least: dict[int, float] = {}
        end: Mapping[int, float] = {}
        for end in poses:
            for i, gap in end.items():
                if gap < min(self._floor(i), allowed.get(i, math.inf)):
                    return False
                least[i] = min(gap, least.get(i, gap))
        gain = LEAVING * length
        if self._trading and min(end.values(), default=math.inf) >= furthest + gain:
            return True
        return all(
            gap >= self._floor(i) or _leaves(start[i], gap, end.get(i, math.inf), gain) for i, gap in least.items()
        )

    def _floor(self, i: int) -> float:
        return self._best.get(i, math.inf) - self._tolerance


def _leaves(start: float, least: float, end: float, gain: float) -> bool:
    """Returns whether a motion never gets further outside than at its start and gains `gain` metres by its end."""
    return least >= start and end >= start + gain
