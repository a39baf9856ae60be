"""Promise 7: action deadlines hold while the learner uses all cores."""

import os
import time
from dataclasses import dataclass
from random import Random

import numpy as np

from async_rl_interfaces.msg import Timing
from faults.campaign import Campaign, mutation, run_config
from faults.report import Row
from faults.run_listener import RunListener
from faults.supervised_run import SupervisedRun, await_learning

CORES = len(os.sched_getaffinity(0))
LIMIT = 5.0
"""Milliseconds of lateness, at the 99.9th percentile."""
REQUIRED = f"p99.9 lateness <= {LIMIT:.0f} ms, 0 missed cycles"
BROKEN_SECONDS = 20
SLICE = 30.0
"""Seconds between progress lines."""


@dataclass(frozen=True)
class Deadlines:
    """Deadlines of an agent over some time: lateness (ms) at the 99.9th percentile, missed and all cycles."""

    late: float
    missed: int
    cycles: int

    @staticmethod
    def between(first: Timing, last: Timing) -> "Deadlines":
        """Returns the deadlines between two messages of one agent."""
        missed, cycles = last.missed_cycles - first.missed_cycles, last.cycles - first.cycles
        return Deadlines(percentile(first, last, "lateness", 99.9), missed, cycles)

    @property
    def kept(self) -> bool:
        """True if the promise is kept."""
        return self.late <= LIMIT and self.missed == 0

    def __str__(self) -> str:
        return f"p99.9 lateness up to {self.late:.1f} ms, {self.missed} of {self.cycles} cycles missed"


def saturated(campaign: Campaign, random: Random) -> list[Row]:
    """Measures a learner that updates as fast as possible, in one thread per core."""
    seconds = campaign.seconds(short=60, long=600)
    deadlines, updates = _measured(campaign, seconds)
    promise = f"the learner saturates {CORES} cores for {seconds} s"
    mutations = mutation(campaign, "the agent's priority", lambda: _broken(campaign, deadlines))
    measured = f"{deadlines}, {updates} updates"
    return [Row(7, promise, REQUIRED, measured, deadlines.cycles, deadlines.kept, mutations)]


def _broken(campaign: Campaign, usual: Deadlines) -> str:
    """Measures an agent without its priority; returns its deadlines if they are worse."""
    deadlines, _ = _measured(campaign, BROKEN_SECONDS, "without_realtime_priority")
    return str(deadlines) if deadlines.late > max(LIMIT, usual.late) else ""


def _measured(campaign: Campaign, seconds: float, mutant: str | None = None) -> tuple[Deadlines, int]:
    """Returns the deadlines and the number of updates."""
    overrides: dict[str, object] = {"learner.max_updates_per_step": 64.0, "learner.threads": CORES}
    config = run_config(campaign, f"deadlines_{mutant or ''}", **overrides)
    mutants = {"rl_agent_node": mutant} if mutant else {}
    with SupervisedRun(config, campaign.domain, mutants) as run, RunListener(config, campaign.domain) as listener:
        await_learning(run, listener, 10)
        first = listener.next_timing()
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0.0:
            time.sleep(min(SLICE, left))
            run.require_running()
            print(
                f"7: {left:.0f} s left, {listener.next_timing().missed_cycles - first.missed_cycles} missed", flush=True
            )
        return Deadlines.between(first, listener.next_timing()), listener.learner[-1][1]


def percentile(first: Timing, last: Timing, name: str, percent: float) -> float:
    """Returns the upper edge of the histogram bin with the percentile of the values between two messages."""
    before, after = (next(h for h in message.histogram if h.name == name) for message in (first, last))
    counts = np.array(after.count, np.int64) - np.array(before.count, np.int64)
    bin_ = int(np.searchsorted(np.cumsum(counts), percent / 100 * counts.sum()))
    return float(after.edge[bin_]) if bin_ < len(after.edge) else float("inf")
