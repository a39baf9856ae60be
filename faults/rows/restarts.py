"""Promise 13: nothing leaks, over restarts of every node and over hours."""

import os
import signal
import time
from random import Random

import numpy as np
from numpy.typing import NDArray

from async_rl_core.bringup.leftovers import clean_dead_middleware, clean_middleware, middleware_files
from faults.campaign import Form, settings
from faults.census import processes_of, resident, shared_files
from faults.ear import Ear
from faults.report import Row
from faults.rig import Rig
from faults.supervised import SupervisedRun, await_learning

RETURN = 60.0
"""Seconds in which a node is back and speaks."""
SETTLED = 1.5
"""Seconds until the middleware's files may be judged."""
SLOPE = 1.0
"""MB per hour."""
SAMPLE_PERIOD = 2.0
CAPACITY = 1500
"""Transitions in replay: full, and so constant, within the first part of a soak."""


def restarted(form: Form, random: Random) -> list[Row]:
    """Each node killed or ended in turn, and started again, so many times."""
    repeats = form.repeats(short=3, long=100)
    config = settings(form, "restarts")
    clean_dead_middleware(time.time())
    before = shared_files(form.domain)
    middleware = middleware_files()
    with Rig(config, form.domain) as rig, Ear(config, form.domain) as ear:
        names = list(rig.specs)
        ear.wait(lambda: all(name in ear.health for name in names), RETURN, f"diagnostics of {names}")
        first: dict[str, int] = {}
        for i in range(repeats):
            for name in names:
                _restart(rig, ear, name, random)
            first = first or _descriptors(rig)
            print(f"13: {i + 1} of {repeats} restarts of each node", flush=True)
        more = {name: count - first[name] for name, count in _descriptors(rig).items() if count > first[name]}
    time.sleep(SETTLED)
    clean_middleware(middleware, time.time())
    files, left = shared_files(form.domain) - before, processes_of(rig.run_dir)
    measured = f"{len(files)} segments, {len(left)} processes, {more or 0} descriptors leaked"
    required = "0 leaked segments, processes, descriptors"
    met = not (files or left or more)
    return [Row(13, f"restart of each of {len(names)} nodes", required, measured, repeats, met)]


def _descriptors(rig: Rig) -> dict[str, int]:
    return {name: len(os.listdir(f"/proc/{rig.pid(name)}/fd")) for name in rig.specs}


def _restart(rig: Rig, ear: Ear, name: str, random: Random) -> None:
    rig.signal(name, random.choice((signal.SIGKILL, signal.SIGTERM)))
    rig.processes[name].wait(RETURN)
    ear.forget()
    rig.restart(name)
    ear.wait(lambda: name in ear.health, RETURN, f"{name} back after its restart")


def soaked(form: Form, random: Random) -> list[Row]:
    """A long run: the slope of each process's resident memory over its second half."""
    seconds = form.seconds(short=240, long=3600)
    config = settings(form, "soak", **{"replay.capacity": CAPACITY, "learner.checkpoint_period": 10.0})
    with SupervisedRun(config, form.domain) as run, Ear(config, form.domain) as ear:
        await_learning(run, ear, 10)
        pids = {name: run.pid(name) for name in run.names()}
        times, samples, end = [], [], time.monotonic() + seconds
        while time.monotonic() < end:
            times.append(time.monotonic())
            samples.append([resident(pid) for pid in pids.values()])
            time.sleep(SAMPLE_PERIOD)
            run.require_running()
    slopes = dict(zip(pids, _slopes(np.array(times), np.array(samples, np.float64)), strict=True))
    measured = ", ".join(f"{name} {slope:+.2f}" for name, slope in slopes.items()) + " MB/h"
    met = all(slope < SLOPE for slope in slopes.values())
    return [Row(13, f"resident memory over {seconds} s", "slope < 1 MB/h", measured, len(times), met)]


def _slopes(times: NDArray[np.float64], samples: NDArray[np.float64]) -> list[float]:
    """MB per hour of each process (a column), over the second half."""
    half = len(times) // 2
    slopes: NDArray[np.float64] = np.polyfit(times[half:] - times[half], samples[half:], 1)[0]
    return [float(slope) * 3600 / 1e6 for slope in slopes]
