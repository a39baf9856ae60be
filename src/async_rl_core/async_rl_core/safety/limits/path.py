"""The way of the joints in a stop."""

from collections.abc import Sequence
from functools import cached_property


class StopPath:
    """The poses of the joints if the arm stops: from `start` (n,) through the end of each cycle, to rest.

    `ways` has each joint's own positions in rad; a joint that is at rest earlier stays at its last. `ahead` (n,): by
    how many rad all of them lie behind these if the joint states came without delay.
    """

    def __init__(
        self, start: Sequence[float], ways: Sequence[Sequence[float]], ahead: Sequence[float] | None = None
    ) -> None:
        self.start = start
        self.ahead = ahead
        self._ways = ways

    @cached_property
    def poses(self) -> list[list[float]]:
        """The poses after the start, each (n,) in rad."""
        cycles = max(map(len, self._ways))
        full = [[*way, *[way[-1]] * (cycles - len(way))] for way in self._ways]
        return [list(pose) for pose in zip(*full, strict=True)]

    def length(self, reach: Sequence[float]) -> float:
        """Returns how far in m anything gets from the start that each joint moves by `reach` (n,) m per rad at most."""
        return sum(r * max(max(way) - q, q - min(way)) for r, q, way in zip(reach, self.start, self._ways, strict=True))
