"""The limit of an arm that is beyond a limit already."""

import math
from collections.abc import Iterable, Mapping

LEAVING = 0.01
"""Metres of gap that a motion must gain for each metre that it may move a body, to count as leaving.

More than noise of the joint states can feign: 0.2 mrad of it bend a motion by less than a tenth of that.
"""


class Ratchet:
    """Keeps the best gap to each surface that the arm is beyond, since it first was beyond it.

    A motion may lead no further beyond a surface than that best gap, less `tolerance` metres for rounding. Compared
    with the present gap instead, noise and rounding would add up from cycle to cycle to a way through the limit. A
    motion that leaves is admitted wherever it begins, so that noise cannot hold the arm for ever. A surface is
    forgotten once the arm is clear of it.

    `trading`: a motion that leaves the surface it is furthest beyond may come as far beyond the others that it is
    beyond already. A tool far outside could not return otherwise.
    """

    def __init__(self, tolerance: float, trading: bool = False) -> None:
        self._tolerance = tolerance
        self._trading = trading
        self._best: dict[int, float] = {}

    def __bool__(self) -> bool:
        """Whether the arm was beyond a surface when last seen."""
        return bool(self._best)

    def update(self, gaps: Mapping[int, float]) -> None:
        """Take the gap of every surface that the arm is beyond now, by number."""
        self._best = {i: max(gap, self._best.get(i, gap)) for i, gap in gaps.items()}

    def admits(self, start: Mapping[int, float], poses: Iterable[Mapping[int, float]], length: float) -> bool:
        """Returns whether a path leads beyond no further surface, and no further beyond those of its start.

        Args:
            start: gaps of the surfaces that the arm is beyond at the start, the present pose, by number.
            poses: the same at each pose of the path.
            length: metres that any body moves on the path, at most.
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
    """Returns whether a motion gets no further beyond than at its start, and in the end gains `gain` metres or more."""
    return least >= start and end >= start + gain
