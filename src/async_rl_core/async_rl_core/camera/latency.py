"""The delay from the light to a camera's stamps, estimated from changes of the picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from async_rl_core.errors import ImageError

Vector = NDArray[np.float64]

EARLIEST = 0.1
"""Seconds before a change from which frames are compared: more than a period of the slowest camera."""
SEEN = 0.5
"""Share of the changes that the camera must have seen."""


@dataclass(frozen=True)
class LatencyEstimate:
    """The delay from the light to the stamp.

    Attributes:
        median: seconds, over all changes.
        spread: seconds by which nine of ten changes deviate from the median at most.
        resolution: uncertainty of the median in seconds, to either side, caused by the frames' period.
        flashes: number of changes seen.
    """

    median: float
    spread: float
    resolution: float
    flashes: int


def measure(flashes: Sequence[float], stamps: Sequence[float], signals: Sequence[float]) -> LatencyEstimate:
    """Returns the latency that fits all changes best.

    Frames are a period apart, so a change only shows that the latency lies between the stamps of the last frame before
    it and the first one after it. The value with the smallest sum of distances to all these intervals is the median of
    their ends. Where all intervals overlap, it is the middle of their intersection, which becomes narrower with changes
    at all phases of the camera's period. A few wrong changes do not move it.

    Args:
        flashes: times of the changes, ascending, in seconds; the first one shows the second picture.
        stamps: stamps of the frames, ascending, in seconds of the same clock.
        signals: value of `Contrast` for each frame.

    Raises:
        ImageError: fewer than half of the changes were seen.
    """
    times, values = np.asarray(stamps, np.float64), np.asarray(signals, np.float64)
    ends = [*flashes[1:], np.inf]
    found = [
        _bounds(flash, end, times, values if index % 2 else -values)
        for index, (flash, end) in enumerate(zip(flashes, ends, strict=True))
    ]
    bounds = np.array([pair for pair in found if pair is not None]).reshape(-1, 2)
    if len(bounds) < max(SEEN * len(flashes), 1):
        raise ImageError(
            f"the camera saw {len(bounds)} of {len(flashes)} changes on the monitor; keep everything else still"
        )
    ordered = np.sort(bounds.ravel())
    low, high = ordered[len(bounds) - 1 : len(bounds) + 1]
    median = (low + high) / 2
    misses = np.maximum(0.0, np.maximum(bounds[:, 0] - median, median - bounds[:, 1]))
    return LatencyEstimate(float(median), float(np.percentile(misses, 90)), float(high - low) / 2, len(bounds))


def _bounds(flash: float, end: float, times: Vector, rising: Vector) -> tuple[float, float] | None:
    """Returns the interval of the latency by one change; `rising` goes from -1 to 1 in its frames.

    The step is placed where it fits all frames until the next change best, so that a single bad frame does not matter.
    """
    inside = (times >= flash - EARLIEST) & (times < end - EARLIEST)
    stamps, signals = times[inside] - flash, rising[inside]
    if len(stamps) < 2:
        return None
    fit = signals.sum() - 2 * np.cumsum(signals)[:-1]
    best = int(np.argmax(fit))
    if signals[: best + 1].mean() >= 0 or signals[best + 1 :].mean() <= 0:
        return None
    return float(stamps[best]), float(stamps[best + 1])
