"""Promises 13 and 7 over hours: a run does not leak memory and keeps its deadlines."""

import time
from random import Random

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.load import resolve
from async_rl_interfaces.msg import GuardState
from faults.campaign import Campaign, mutation, run_config
from faults.report import Row
from faults.rows.deadlines import REQUIRED, Deadlines
from faults.run_listener import RunListener
from faults.supervised_run import SupervisedRun, await_learning
from testing.run_resources import resident

ROBOT = "panda"
FIRST_UPDATE = 180.0
SLOPE = 1.0
"""MB per hour."""
SAMPLE_PERIOD = 2.0
LEAKY, LEAK, LEAKY_SECONDS = "monitor_node", 3600.0, 30
"""Node with a deliberate leak, its leak in MB per hour, and the seconds of its run."""
FILL_RATE = 5
"""Replay capacity in transitions per second of the test, so that replay is full within the first half."""


def learning(campaign: Campaign, random: Random) -> list[Row]:
    """Measures a learning Panda: slope of resident memory over the second half, and deadlines."""
    seconds = campaign.seconds(short=240, long=3600)
    slopes, deadlines = _soaked(campaign, seconds)
    measured = ", ".join(f"{name} {slope:+.2f}" for name, slope in slopes.items()) + " MB/h"
    met = all(slope < SLOPE for slope in slopes.values())
    mutations = mutation(campaign, "none; a node keeps 1 MB per second", lambda: _leaky(campaign))
    return [
        Row(13, f"resident memory over {seconds} s", "slope < 1 MB/h", measured, 1, met, mutations),
        Row(7, f"a Panda learns for {seconds} s", REQUIRED, str(deadlines), deadlines.cycles, deadlines.kept),
    ]


def _leaky(campaign: Campaign) -> str:
    slopes, _ = _soaked(campaign, LEAKY_SECONDS, "with_memory_leak")
    return f"{slopes[LEAKY]:+.0f} MB/h" if slopes[LEAKY] > LEAK / 2 else ""


def _soaked(campaign: Campaign, seconds: int, mutant: str | None = None) -> tuple[dict[str, float], Deadlines]:
    """Returns MB per hour of each process over the second half, and the deadlines of the whole run.

    A fault of the guard, of which a missed cycle tells, is cleared: an arm at rest shows nothing of leaks.
    """
    random_steps = resolve("laptop", {}, ROBOT).agent.initial_steps  # as many as a user's run has
    settled = {"agent.initial_steps": random_steps, "replay.capacity": max(random_steps, FILL_RATE * seconds)}
    config = run_config(campaign, f"soak_{mutant or ''}", ROBOT, **settled, **{"learner.checkpoint_period": 10.0})
    mutants = {LEAKY: mutant} if mutant else {}
    with SupervisedRun(config, campaign.domain, mutants) as run, RunListener(config, campaign.domain) as listener:
        await_learning(run, listener, 10, FIRST_UPDATE)
        pids = {name: run.pid(name) for name in run.names()}
        first = listener.next_timing()
        times, samples, end = [], [], time.monotonic() + seconds
        while time.monotonic() < end:
            times.append(time.monotonic())
            samples.append([resident(pid) for pid in pids.values()])
            time.sleep(SAMPLE_PERIOD)
            run.require_running()
            if listener.guard is not None and listener.guard.state == GuardState.FAULT:
                print(f"13: a person clears the fault '{listener.guard.cause}'", flush=True)
                listener.reset_fault()
        deadlines = Deadlines.between(first, listener.next_timing())
    slopes = zip(pids, _slopes(np.array(times), np.array(samples, np.float64)), strict=True)
    return dict(slopes), deadlines


def _slopes(times: NDArray[np.float64], samples: NDArray[np.float64]) -> list[float]:
    """Returns MB per hour of each process (a column) over the second half."""
    half = len(times) // 2
    slopes: NDArray[np.float64] = np.polyfit(times[half:] - times[half], samples[half:], 1)[0]
    return [float(slope) * 3600 / 1e6 for slope in slopes]
