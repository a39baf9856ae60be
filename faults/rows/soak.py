"""Promises 13 and 7, of a run as a user starts it: nothing leaks and nothing is late, over hours."""

import time
from random import Random

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.load import resolve
from async_rl_interfaces.msg import GuardState
from faults.campaign import Form, mutation, settings
from faults.census import resident
from faults.ear import Ear
from faults.report import Row
from faults.rows.deadlines import REQUIRED, Deadlines
from faults.supervised import SupervisedRun, await_learning

ROBOT = "panda"
FIRST_UPDATE = 180.0
SLOPE = 1.0
"""MB per hour."""
SAMPLE_PERIOD = 2.0
LEAKY, LEAK, LEAKY_SECONDS = "monitor_node", 3600.0, 30
"""The node that leaks on purpose, MB per hour of that, and for how many seconds."""
FILL_RATE = 5
"""Transitions in replay per second of a soak: full, and so constant, within its first half."""


def learning(form: Form, random: Random) -> list[Row]:
    """A Panda learns: the slope of each process's resident memory over the second half, and the deadlines of all."""
    seconds = form.seconds(short=240, long=3600)
    slopes, deadlines = _soaked(form, seconds)
    measured = ", ".join(f"{name} {slope:+.2f}" for name, slope in slopes.items()) + " MB/h"
    met = all(slope < SLOPE for slope in slopes.values())
    mutations = mutation(form, "none; a node keeps 1 MB per second", lambda: _leaky(form))
    return [
        Row(13, f"resident memory over {seconds} s", "slope < 1 MB/h", measured, 1, met, mutations),
        Row(7, f"a Panda learns for {seconds} s", REQUIRED, str(deadlines), deadlines.cycles, deadlines.kept),
    ]


def _leaky(form: Form) -> str:
    slopes, _ = _soaked(form, LEAKY_SECONDS, "leaks")
    return f"{slopes[LEAKY]:+.0f} MB/h" if slopes[LEAKY] > LEAK / 2 else ""


def _soaked(form: Form, seconds: int, mutant: str | None = None) -> tuple[dict[str, float], Deadlines]:
    """MB per hour of each process over the second half, and the deadlines of the whole.

    A fault of the guard, of which a missed cycle tells, is cleared: an arm at rest shows nothing of leaks.
    """
    random_steps = resolve("laptop", {}, ROBOT).agent.initial_steps  # as many as a user's run has
    settled = {"agent.initial_steps": random_steps, "replay.capacity": max(random_steps, FILL_RATE * seconds)}
    config = settings(form, f"soak_{mutant or ''}", ROBOT, **settled, **{"learner.checkpoint_period": 10.0})
    mutants = {LEAKY: mutant} if mutant else {}
    with SupervisedRun(config, form.domain, mutants) as run, Ear(config, form.domain) as ear:
        await_learning(run, ear, 10, FIRST_UPDATE)
        pids = {name: run.pid(name) for name in run.names()}
        first = ear.next_timing()
        times, samples, end = [], [], time.monotonic() + seconds
        while time.monotonic() < end:
            times.append(time.monotonic())
            samples.append([resident(pid) for pid in pids.values()])
            time.sleep(SAMPLE_PERIOD)
            run.require_running()
            if ear.guard is not None and ear.guard.state == GuardState.FAULT:
                print(f"13: a person clears the fault '{ear.guard.cause}'", flush=True)
                ear.reset_fault()
        deadlines = Deadlines.between(first, ear.next_timing())
    slopes = zip(pids, _slopes(np.array(times), np.array(samples, np.float64)), strict=True)
    return dict(slopes), deadlines


def _slopes(times: NDArray[np.float64], samples: NDArray[np.float64]) -> list[float]:
    """MB per hour of each process (a column), over the second half."""
    half = len(times) // 2
    slopes: NDArray[np.float64] = np.polyfit(times[half:] - times[half], samples[half:], 1)[0]
    return [float(slope) * 3600 / 1e6 for slope in slopes]
