"""How long after the light a camera's frames are stamped, from flashes that it saw."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from async_rl_core.errors import ImageError

Vector = NDArray[np.float64]

EARLIEST = 0.1
"""Seconds before a flash from which on frames are compared: a period of the slowest camera, and a little more."""
SEEN = 0.5
"""Share of the flashes that the camera must have seen."""


@dataclass(frozen=True)
class LatencyEstimate:
    """Seconds from the light to the stamp, over all flashes."""

    median: float
    spread: float
    """Seconds by which nine of ten flashes disagree with the median at most."""
    resolution: float
    """Seconds within which the frames' period leaves the median open, to either side."""
    flashes: int
    """That were seen."""


def measure(flashes: Sequence[float], stamps: Sequence[float], signals: Sequence[float]) -> LatencyEstimate:
    """The latency that agrees best with what was seen.

    Frames are a period apart, so a flash tells no more than that its light came between two of them: the latency lies
    between the stamps of the last frame before and the first one after, counted from the flash. The value whose
    distances to all these intervals have the least sum is the median of their ends (each distance is half the sum of
    the distances to the two ends, less a constant). Where all intervals overlap it is the middle of what they share;
    with flashes at all phases of the camera's period, the more there are the narrower; and a few that are wrong do
    not move it.

    Args:
        flashes: times at which what is shown changed, ascending, in seconds; first to the second picture.
        stamps: of the frames, ascending, in seconds on the same clock.
        signals: of each frame, about 1 for the first picture and -1 for the second, as `Contrast` has them.

    Raises:
        ImageError: fewer than half of the flashes were seen.
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
            f"the camera saw {len(bounds)} of {len(flashes)} changes on the monitor; let nothing else move or flicker"
        )
    ordered = np.sort(bounds.ravel())
    low, high = ordered[len(bounds) - 1 : len(bounds) + 1]
    median = (low + high) / 2
    misses = np.maximum(0.0, np.maximum(bounds[:, 0] - median, median - bounds[:, 1]))
    return LatencyEstimate(float(median), float(np.percentile(misses, 90)), float(high - low) / 2, len(bounds))


def _bounds(flash: float, end: float, times: Vector, rising: Vector) -> tuple[float, float] | None:
    """Between which latencies a flash lies, from the frames up to the next one; `rising` goes from -1 to 1 in them.

    The step is put where it fits all of these frames best, lest a single one that is spoilt decides.
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
