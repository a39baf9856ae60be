"""Growth of sampling and update with mini-batch, image and store; benchmarks/results/scaling.json.

python -m benchmarks.scaling                # about four minutes on two cores
"""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from benchmarks import rows, sampling, updates
from benchmarks.cases import BASELINE, Case
from benchmarks.timing import CORES, isolated

RESULT = rows.RESULTS / "scaling.json"
BATCHES = (32, 64, 128, 256, 512, 1024)
IMAGES = ((80, 45), (160, 90), (320, 180))
CAPACITIES = (1_000, 10_000, 100_000)
_SECONDS = 4.0
"""Approximate seconds of updates per figure."""
_BASELINE_UPDATE = 0.25
"""Approximate seconds of an update, to choose the number of repeats."""


@dataclass(frozen=True)
class Point:
    """Medians in milliseconds."""

    axis: str
    """Difference from the baseline: batch, image or capacity."""
    width: int
    height: int
    batch: int
    stored: int
    sample_ms: float
    """Sampling with the transfer to the learner's process."""
    update_fp32_ms: float | None
    """Updates; None: as in the baseline."""
    update_bf16_ms: float | None


def _point(axis: str, case: Case, with_updates: bool = True) -> Point:
    sample = sampling.ours(case, 100, in_flight=0).median
    precisions = ("fp32", "bf16") if with_updates else ()
    work = case.batch * case.width * case.height / (BASELINE.batch * BASELINE.width * BASELINE.height)
    repeats = 2 * max(3, min(20, round(_SECONDS / (2 * _BASELINE_UPDATE * work))))
    times = [isolated(updates.ours, case, precision, CORES, repeats).median for precision in precisions]
    fp32, bf16 = times or (None, None)
    return Point(axis, case.width, case.height, case.batch, case.stored, sample, fp32, bf16)


def points() -> Iterator[Point]:
    """Measures all points, one axis after another."""
    for batch in BATCHES:
        yield _point("batch", Case(BASELINE.width, BASELINE.height, batch, BASELINE.stored))
    for width, height in IMAGES:
        stored = BASELINE.stored * BASELINE.width * BASELINE.height // (width * height)
        yield _point("image", Case(width, height, BASELINE.batch, stored))
    for stored in CAPACITIES:
        yield _point("capacity", Case(BASELINE.width, BASELINE.height, BASELINE.batch, stored), with_updates=False)


def main() -> None:
    """Measures, prints and writes."""
    start, found = time.monotonic(), []
    print(f"{'':10}{'image':>10}{'batch':>8}{'stored':>9}{'sample':>10}{'fp32':>10}{'bf16':>10}")
    for point in points():
        found.append(point)
        times = (point.sample_ms, point.update_fp32_ms, point.update_bf16_ms)
        figures = "".join("" if value is None else f"{value:10.2f}" for value in times)
        print(f"{point.axis:10}{point.width:>6}x{point.height:<3}{point.batch:8}{point.stored:9}{figures}", flush=True)
    rows.write(RESULT, [asdict(point) for point in found])
    print(f"milliseconds; {CORES} cores, {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
