"""Promise 7: action deadlines hold while the learner takes every core that it can get."""

import os
import time
from random import Random

import numpy as np

from async_rl_interfaces.msg import Timing
from faults.campaign import Form, mutation, settings
from faults.ear import Ear
from faults.report import Row
from faults.supervised import SupervisedRun, await_learning

CORES = len(os.sched_getaffinity(0))
REQUIRED = 5.0
"""Milliseconds of lateness, at the 99.9th percentile."""
BROKEN_SECONDS = 20
SLICE = 30.0
"""Seconds between lines that say how it goes."""


def saturated(form: Form, random: Random) -> list[Row]:
    """Updates as fast as they come, in as many threads as there are cores."""
    seconds = form.seconds(short=60, long=3600)
    late, missed, cycles, updates = _measured(form, seconds)
    measured = f"p99.9 lateness up to {late:.1f} ms, {missed} of {cycles} cycles missed, {updates} updates"
    required = "p99.9 lateness <= 5 ms, 0 missed cycles"
    promise = f"the learner saturates {CORES} cores for {seconds} s"
    mutations = mutation(form, "the agent's priority", lambda: _late(*_measured(form, BROKEN_SECONDS, "no_priority")))
    return [Row(7, promise, required, measured, cycles, not _late(late, missed), mutations)]


def _late(late: float, missed: int, *others: int) -> str:
    return f"p99.9 lateness up to {late:.1f} ms, {missed} missed" if late > REQUIRED or missed else ""


def _measured(form: Form, seconds: float, mutant: str | None = None) -> tuple[float, int, int, int]:
    """Milliseconds of lateness at the 99.9th percentile, missed cycles, all cycles, and updates."""
    overrides: dict[str, object] = {"learner.max_updates_per_step": 64.0, "learner.threads": CORES}
    config = settings(form, f"deadlines_{mutant or ''}", **overrides)
    mutants = {"rl_agent_node": mutant} if mutant else {}
    with SupervisedRun(config, form.domain, mutants) as run, Ear(config, form.domain) as ear:
        await_learning(run, ear, 10)
        first = ear.next_timing()
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0.0:
            time.sleep(min(SLICE, left))
            run.require_running()
            print(f"7: {left:.0f} s left, {ear.next_timing().missed_cycles - first.missed_cycles} missed", flush=True)
        last, updates = ear.next_timing(), ear.learner[-1][1]
    late, missed = percentile(first, last, "lateness", 99.9), last.missed_cycles - first.missed_cycles
    return late, missed, last.cycles - first.cycles, updates


def percentile(first: Timing, last: Timing, name: str, percent: float) -> float:
    """Upper edge of the bin of a histogram that holds the percentile of what came between two messages."""
    before, after = (next(h for h in message.histogram if h.name == name) for message in (first, last))
    counts = np.array(after.count, np.int64) - np.array(before.count, np.int64)
    bin_ = int(np.searchsorted(np.cumsum(counts), percent / 100 * counts.sum()))
    return float(after.edge[bin_]) if bin_ < len(after.edge) else float("inf")
