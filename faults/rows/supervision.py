"""Promise 26: the supervisor stops the arm while its output is not read, and before it is suspended."""

import signal
import time
from pathlib import Path
from random import Random

import numpy as np

from async_rl_interfaces.msg import GuardState
from faults.arm_listener import ArmListener, PromiseTimeoutError
from faults.campaign import Campaign, mutation, run_config, some_moment
from faults.report import Row
from faults.supervised_run import SupervisedRun, UnreadPipe
from testing.run_resources import processes_of

STOP_WITHIN = 1.0
"""Seconds from a signal to a zero command: delivery of the signal and the guard's ramp."""
END_WITHIN = 15.0
"""Seconds within which a run with unread output ends."""
START = 150.0
"""Seconds within which the nodes run and the guard is armed, on a busy machine too."""
SUSPENDED_FOR = 2.0
"""Seconds of a suspension in which the arm must not move."""


def blocked(campaign: Campaign, random: Random) -> list[Row]:
    """Measures SIGINT and SIGTERM to a run whose output pipe is full."""
    repeats = campaign.repeats(short=1, long=20)
    zeros, codes, left = _unread(campaign, random, repeats)
    measured = (
        f"zero on the wire after at most {max(zeros):.0f} ms (median {np.median(zeros):.0f}); exit codes "
        f"{sorted(set(codes))}; {left} processes left"
    )
    met = max(zeros) <= 1e3 * STOP_WITHIN and set(codes) == {0} and not left
    promise = "SIGINT or SIGTERM while nobody reads the run's output (a pager, a hung connection)"
    required = "zero on the wire within 1 s, the run ends with exit code 0 within 15 s, nothing is left"
    mutations = mutation(campaign, "the thread that writes", lambda: _deaf(campaign, random))
    return [Row(26, promise, required, measured, repeats, met, mutations)]


def suspended(campaign: Campaign, random: Random) -> list[Row]:
    """Measures SIGTSTP in motion, as Ctrl-Z sends it, and SIGCONT."""
    repeats = campaign.repeats(short=2, long=50)
    early, moved, stops = _suspensions(campaign, random, repeats)
    measured = (
        f"suspended after at most {max(stops):.0f} ms (median {np.median(stops):.0f}), {early} times with the arm in "
        f"motion; moved meanwhile: {moved}; armed again after each SIGCONT"
    )
    promise = "the supervisor is suspended (SIGTSTP) in motion, and continued"
    required = "zero on the wire before it is suspended, no motion until SIGCONT"
    mutations = mutation(campaign, "the order to the guard", lambda: _suspends_at_once(campaign, random))
    return [Row(26, promise, required, measured, repeats, early + moved == 0, mutations)]


def _unread(
    campaign: Campaign, random: Random, repeats: int, mutant: str | None = None
) -> tuple[list[float], list[int], int]:
    """Returns ms to zero, exit codes, and the number of remaining processes."""
    zeros, codes, left = [], [], 0
    for index in range(repeats):
        config = run_config(campaign, f"unread_{mutant or ''}{index}", **{"guard.clear_timing_faults": True})
        with (
            UnreadPipe() as pipe,
            ArmListener(config, campaign.domain) as listener,
            SupervisedRun(config, campaign.domain, {"async_rl": mutant} if mutant else None, output=pipe.inlet) as run,
        ):
            listener.await_state(GuardState.ARMED, START)
            pipe.fill()
            time.sleep(some_moment(config, random))
            listener.await_motion()
            sent = run.signal(signal.SIGINT if index % 2 == 0 else signal.SIGTERM)
            try:
                zeros.append(1e3 * (listener.first_zero(sent) - sent))
                codes.append(run.wait(END_WITHIN))
            finally:
                run.abandon()
        left += len(processes_of(run.run_dir))
    return zeros, codes, left


def _deaf(campaign: Campaign, random: Random) -> str:
    zeros, _, _ = _unread(campaign, random, 1, "without_writer_thread")
    return f"zero after {max(zeros):.0f} ms" if max(zeros) > 1e3 * STOP_WITHIN else ""


def _suspensions(
    campaign: Campaign, random: Random, repeats: int, mutant: str | None = None
) -> tuple[int, int, list[float]]:
    """Returns the numbers of suspensions in motion and of motions meanwhile, and the ms to each suspension."""
    config = run_config(campaign, f"suspended_{mutant or ''}", **{"guard.clear_timing_faults": True})
    early = moved = 0
    stops: list[float] = []
    mutants = {"async_rl": mutant} if mutant else None
    with ArmListener(config, campaign.domain) as listener, SupervisedRun(config, campaign.domain, mutants) as run:
        while len(stops) < repeats:
            listener.await_state(GuardState.ARMED, START)
            time.sleep(some_moment(config, random))
            listener.await_motion()
            sent = run.signal(signal.SIGTSTP)
            suspended_at = _await_stopped(run.process)
            stops.append(1e3 * (suspended_at - sent))
            zero = listener.first_zero(sent)
            early += zero > suspended_at
            time.sleep(SUSPENDED_FOR)
            moved += listener.moved(max(zero, suspended_at))
            run.signal(signal.SIGCONT)
    return early, moved, stops


def _suspends_at_once(campaign: Campaign, random: Random) -> str:
    early, moved, _ = _suspensions(campaign, random, 1, "without_stop_before_suspend")
    return "suspended with the arm in motion" if early + moved else ""


def _await_stopped(pid: int, timeout: float = 10.0) -> float:
    """Returns the steady time at which a process is stopped. Raises `PromiseTimeoutError` if it is not."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        if stat[stat.rindex(")") + 2] == "T":
            return time.monotonic()
        time.sleep(0.001)
    raise PromiseTimeoutError(f"supervisor suspended: not within {timeout:g} s")
