"""Measures everything, prints the table, writes benchmarks/results/latest.json.

make bench                                  # about ten minutes on two cores
make bench ARGS="sample inference"          # some rows only; printed, not written
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from benchmarks import inference, limits, memory, publication, rows, sampling, updates
from benchmarks.cases import BASELINE, CASES, HIGH_RESOLUTION, Case
from benchmarks.rows import Row, timed
from benchmarks.timing import CORES, isolated

TRANSITIONS = 100_000
"""Transitions of the row `memory`."""


@dataclass(frozen=True)
class Effort:
    """Numbers of repeats."""

    quick: bool
    """Only enough repeats to check that the measurements work."""

    def __call__(self, repeats: int) -> int:
        """Returns the number of calls, where `repeats` is the thorough one."""
        return 2 if self.quick else repeats

    def of(self, case: Case, baseline: int, others: int) -> int:
        """Returns the same for cases that take four times as long."""
        return self(baseline if case is BASELINE else others)


def sample_rows(effort: Effort) -> Iterator[Row]:
    """Measures sampling, cropping and transfer."""
    for case in CASES.values():
        repeats = effort.of(case, 200, 100)
        times = sampling.ours(case, repeats, in_flight=0)
        ahead = sampling.ours(case, effort(50), in_flight=1, pause=3e-3 * times.median)
        tuned, default = (sampling.reference(case, effort.of(case, 10, 4), tuned).median for tuned in (True, False))
        yield timed(
            "sample",
            case.name,
            times,
            tuned,
            isolated(limits.gather, case, repeats).median,
            reference_default_malloc=default,
            memcpy=isolated(limits.copy, case, repeats).median,
            one_in_flight=ahead.median,
            stored=case.stored,
        )


def update_rows(effort: Effort) -> Iterator[Row]:
    """Measures SAC updates in both precisions, and the reference's."""
    for case in CASES.values():
        tuned = isolated(updates.reference, case, CORES, effort.of(case, 12, 6), True).median
        default = isolated(updates.reference, case, CORES, effort.of(case, 6, 4), False).median
        for precision, repeats in (("fp32", effort.of(case, 40, 14)), ("bf16", effort.of(case, 60, 20))):
            times = isolated(updates.ours, case, precision, CORES, repeats)
            limit = isolated(limits.update, case, precision, CORES, effort.of(case, 8, 4))
            notes = {"reference_default_malloc": default, "threads": CORES, "repeats": repeats}
            notes["encoder"] = limit.encoder
            yield timed(f"update_{precision}", case.name, times, tuned, limit.total, limit.encoder, **notes)


def gpu_rows(effort: Effort) -> Iterator[Row]:
    """Measures SAC updates on a GPU, if there is one."""
    if not torch.cuda.is_available():
        print("no GPU: update_gpu was not measured", flush=True)
        return
    for case in CASES.values():
        times = isolated(updates.ours, case, "bf16", CORES, effort(400), "cuda")
        reference = isolated(updates.reference, case, CORES, effort(40), True, "cuda")
        limit = isolated(limits.update, case, "bf16", CORES, effort(40), "cuda").total
        yield timed("update_gpu", case.name, times, reference.median, limit, precision="bf16")


def inference_rows(effort: Effort) -> Iterator[Row]:
    """Measures one action: `inference` with precision:=bf16, `inference_fp32` without."""
    for case in (BASELINE, HIGH_RESOLUTION):
        tuned, default = (isolated(inference.reference, case, CORES, effort(300), tuned) for tuned in (True, False))
        for name, precision in (("inference", "bf16"), ("inference_fp32", "fp32")):
            yield timed(
                name,
                case.name,
                isolated(inference.ours, case, precision, effort(3000)),
                tuned.median,
                isolated(limits.inference, case, precision, inference.THREADS, effort(1000)),
                reference_p99=tuned.p99,
                reference_default_malloc=default.median,
                precision=precision,
                threads=inference.THREADS,
                reference_threads=CORES,
            )


def memory_rows(effort: Effort) -> Iterator[Row]:
    """Measures the memory of 1e5 transitions, which does not depend on the mini-batch."""
    transitions = 2000 if effort.quick else TRANSITIONS
    by_image: dict[tuple[int, int], tuple[memory.Memory, memory.Memory]] = {}
    for case in CASES.values():
        image = (case.width, case.height)
        if image not in by_image:
            reference = isolated(memory.reference, case, transitions)
            by_image[image] = isolated(memory.ours, case, transitions), reference
        ours, reference = by_image[image]
        notes = {"transitions": transitions, "filled": ours.filled, "reference_filled": reference.filled}
        limit = limits.memory(case, transitions)
        yield Row("memory", case.name, ours.gigabytes, reference.gigabytes, limit, notes=dict(notes))


def publication_rows(effort: Effort) -> Iterator[Row]:
    """Measures the publication of a policy from learner to agent."""
    times, published = publication.ours(BASELINE, effort(200))
    limit = isolated(publication.limit, BASELINE, effort(200))
    tuned = publication.reference(BASELINE, effort(50)).median
    yield timed("publication", BASELINE.name, times, tuned, limit, learner_part=published.median)


PARTS: dict[str, Callable[[Effort], Iterator[Row]]] = {
    "sample": sample_rows,
    "update": update_rows,
    "gpu": gpu_rows,
    "inference": inference_rows,
    "memory": memory_rows,
    "publication": publication_rows,
}


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("part", nargs="*", choices=[[], *PARTS], help=f"of {', '.join(PARTS)}; none: all, and written")
    parser.add_argument("--quick", action="store_true", help="see that it works; nothing is written")
    arguments = parser.parse_args()
    chosen, effort = arguments.part or list(PARTS), Effort(arguments.quick)
    load, start = os.getloadavg()[0], time.monotonic()
    print(rows.HEADER, flush=True)
    results = []
    for part in chosen:
        for row in PARTS[part](effort):
            results.append(row)
            print(row.line(), flush=True)
    seconds = time.monotonic() - start
    if len(chosen) == len(PARTS) and not effort.quick:
        rows.write(rows.LATEST, rows.documents(results))
        rows.write(rows.MACHINE, rows.machine(results, load, seconds))
    print(f"milliseconds, memory in gigabytes; {CORES} cores, {seconds:.0f} s, load before {load:.1f}")


if __name__ == "__main__":
    main()
