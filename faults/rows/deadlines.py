"""Promise 7: action deadlines hold while the learner takes every core that it can get."""

import os
import time
from random import Random

import numpy as np

from async_rl_interfaces.msg import Timing
from faults.campaign import Form, settings
from faults.ear import Ear
from faults.report import Row
from faults.supervised import SupervisedRun, await_learning

REQUIRED = 5.0
"""Milliseconds of lateness, at the 99.9th percentile."""
SLICE = 30.0
"""Seconds between lines that say how it goes."""


def saturated(form: Form, random: Random) -> list[Row]:
    """Updates as fast as they come, in as many threads as there are cores."""
    seconds = form.seconds(short=60, long=3600)
    cores = len(os.sched_getaffinity(0))
    overrides: dict[str, object] = {"learner.max_updates_per_step": 64.0, "learner.threads": cores}
    config = settings(form, "deadlines", **overrides)
    with SupervisedRun(config, form.domain) as run, Ear(config, form.domain) as ear:
        await_learning(run, ear, 10)
        first = ear.next_timing()
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0.0:
            time.sleep(min(SLICE, left))
            run.require_running()
            print(f"7: {left:.0f} s left, {ear.next_timing().missed_cycles - first.missed_cycles} missed", flush=True)
        last, updates = ear.next_timing(), ear.learner[-1][1]
    late, missed = percentile(first, last, "lateness", 99.9), last.missed_cycles - first.missed_cycles
    cycles = last.cycles - first.cycles
    measured = f"p99.9 lateness up to {late:.1f} ms, {missed} of {cycles} cycles missed, {updates} updates"
    required = "p99.9 lateness <= 5 ms, 0 missed cycles"
    met = late <= REQUIRED and missed == 0
    return [Row(7, f"the learner saturates {cores} cores for {seconds} s", required, measured, cycles, met)]


def percentile(first: Timing, last: Timing, name: str, percent: float) -> float:
    """Upper edge of the bin of a histogram that holds the percentile of what came between two messages."""
    before, after = (next(h for h in message.histogram if h.name == name) for message in (first, last))
    counts = np.array(after.count, np.int64) - np.array(before.count, np.int64)
    bin_ = int(np.searchsorted(np.cumsum(counts), percent / 100 * counts.sum()))
    return float(after.edge[bin_]) if bin_ < len(after.edge) else float("inf")
