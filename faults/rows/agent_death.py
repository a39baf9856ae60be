"""Promise 1: the agent is killed or halted at a random moment, and the arm comes to rest."""

import signal
import time
from random import Random

import numpy as np

from async_rl_interfaces.msg import GuardState
from faults.campaign import Form, mutation, settings
from faults.histogram import draw
from faults.report import Row
from faults.rig import Rig
from faults.wire import Wire

REQUIRED = 0.120
"""Seconds from the signal to the first zero on the wire."""
AFTERWARDS = 0.3
"""Seconds for which a halted agent that goes on must not move the arm."""
LONGEST_WAIT = 4.0
"""Seconds, at most, from the arming to the signal."""


def kill(form: Form, random: Random) -> list[Row]:
    """SIGKILL: the agent is gone; a new one needs a new arming."""
    return [_measure(form, random, signal.SIGKILL, "the agent is killed (SIGKILL) at a random moment")]


def halt(form: Form, random: Random) -> list[Row]:
    """SIGSTOP, and SIGCONT afterwards: what a halted agent has still to say must not move the arm."""
    return [
        _measure(form, random, signal.SIGSTOP, "the agent is halted (SIGSTOP) at a random moment, and goes on later")
    ]


def _measure(form: Form, random: Random, number: signal.Signals, promise: str) -> Row:
    repeats = form.repeats(short=3, long=100)
    zeros, rests, late = _times(form, random, number, repeats)
    if form.long:
        draw(form.folder / f"{number.name.lower()}_agent.png", promise, zeros, rests, REQUIRED)
    measured = (
        f"zero on the wire after at most {max(zeros):.0f} ms (median {np.median(zeros):.0f}), arm at rest after at "
        f"most {max(rests):.0f} ms (median {np.median(rests):.0f}); moved again before a person's word: {late}"
    )
    met = max(zeros) <= 1e3 * REQUIRED and late == 0
    mutations = mutation(form, "guard's watchdog", lambda: _unwatched(form, random))
    return Row(1, promise, "zero on the wire within 120 ms, every time", measured, repeats, met, mutations)


def _times(
    form: Form, random: Random, number: signal.Signals, repeats: int, mutant: str | None = None
) -> tuple[list[float], list[float], int]:
    """Milliseconds to zero and to rest for each repeat, and how often the arm moved again by itself."""
    config = settings(form, "agent_death")
    zeros, rests, late = [], [], 0
    mutants = {"safety_guard_node": mutant} if mutant else {}
    with Rig(config, form.domain, mutants=mutants) as rig, Wire(config, form.domain) as wire:
        for _ in range(repeats):
            wire.await_state(GuardState.ARMED)
            time.sleep(random.uniform(0.0, LONGEST_WAIT))
            wire.await_motion()
            sent = rig.signal("rl_agent_node", number)
            zeros.append(1e3 * (wire.first_zero(sent) - sent))
            rests.append(1e3 * (wire.first_rest(sent) - sent))
            stopped = time.monotonic()
            _revive(rig, number)
            wire.await_state(GuardState.FAULT)
            time.sleep(AFTERWARDS)
            late += wire.moved(stopped)
            wire.reset_fault()
            rig.require_all()
    return zeros, rests, late


def _revive(rig: Rig, number: signal.Signals) -> None:
    if number is signal.SIGSTOP:
        rig.signal("rl_agent_node", signal.SIGCONT)
    else:
        rig.restart("rl_agent_node")


def _unwatched(form: Form, random: Random) -> str:
    zeros, _, _ = _times(form, random, signal.SIGSTOP, 1, "no_watchdog")
    return f"zero after {max(zeros):.0f} ms" if max(zeros) > 1e3 * REQUIRED else ""
