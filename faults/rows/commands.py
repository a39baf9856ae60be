"""Promises 3, 4 and 6: forged stamps, malformed commands, and faults that stay."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import numpy as np
from builtin_interfaces.msg import Time

from async_rl_interfaces.msg import GuardState
from faults.campaign import Form, mutation, settings
from faults.impostor import SWING, Impostor, Stamp
from faults.report import Row
from faults.rig import Rig
from faults.wire import Wire

REQUIRED = 0.120
"""Seconds from the last command to zero on the wire."""
ALONE = ("rl_agent_node", "learner_node", "replay_node", "monitor_node", "visual_target_node")
"""Nodes that a promise about commands does not need."""
OFFSETS = (-3600, 3600, None, -10, 10)
"""Seconds by which stamps are wrong; none: they are zero."""


@contextmanager
def _guarded(form: Form, name: str, mutant: str | None) -> Iterator[tuple[Rig, Wire, Impostor]]:
    """A simulated robot and a guard, with us as the agent."""
    config = settings(form, name)
    mutants = {"safety_guard_node": mutant} if mutant else {}
    with (
        Rig(config, form.domain, ALONE, mutants) as rig,
        Wire(config, form.domain) as wire,
        Impostor(config, wire) as agent,
    ):
        yield rig, wire, agent


def _set_in_motion(wire: Wire, agent: Impostor) -> None:
    agent.speak()
    wire.await_state(GuardState.ARMED)
    wire.await_motion()


def stamps(form: Form, random: Random) -> list[Row]:
    """Commands with stamps an hour early, late, or zero, and then silence: the arm must stop all the same."""
    repeats = form.repeats(short=10, long=400)
    times, missed = _halts(form, random, repeats)
    measured = f"{missed} missed halts; zero on the wire after at most {max(times):.0f} ms"
    met = missed == 0 and max(times) <= 1e3 * REQUIRED
    promise = "stamps an hour early, late or zero, or 10 s off; then silence"
    mutations = mutation(form, "freshness by receipt", lambda: _missed(*_halts(form, random, 5, "trusts_stamps")))
    return [Row(3, promise, "0 missed halts", measured, repeats, met, mutations)]


def _missed(times: list[float], missed: int) -> str:
    return f"{missed} missed halts of {missed + len(times)}" if missed else ""


def _halts(form: Form, random: Random, repeats: int, mutant: str | None = None) -> tuple[list[float], int]:
    """Milliseconds from the last command to zero, and how often zero never came."""
    times, missed = [], 0
    with _guarded(form, "stamps", mutant) as (rig, wire, agent):
        for i in range(repeats):
            agent.stamp = _forged(agent, OFFSETS[i % len(OFFSETS)])
            _set_in_motion(wire, agent)
            time.sleep(random.uniform(0.0, 0.1))
            silent = agent.be_silent()
            try:
                times.append(1e3 * (wire.first_zero(silent) - silent))
            except TimeoutError:
                missed += 1
                continue
            wire.await_state(GuardState.FAULT)
            wire.reset_fault()
            rig.require_all()
    return times, missed


def _forged(agent: Impostor, offset: int | None) -> Stamp:
    def stamp() -> Time:
        now = agent.now()
        return Time() if offset is None else Time(sec=now.sec + offset, nanosec=now.nanosec)

    return stamp


def malformed(form: Form, random: Random) -> list[Row]:
    """One malformed command in motion: a latched fault that names it, a stop, and never anything odd on the wire."""
    repeats = form.repeats(short=7, long=400)
    odd, unlatched = _malformed(form, random, repeats)
    promise = "NaN, inf, wrong length, wrong names, replayed sequence numbers (real guard)"
    required = "0 reach the robot; the first latches a fault with a cause"
    measured = f"{odd} odd ones on the wire, {unlatched} without a fault and its cause"
    mutations = mutation(
        form, "checks of commands", lambda: _accepted(*_malformed(form, random, 7, "unchecked_commands"))
    )
    return [Row(4, promise, required, measured, repeats, odd == unlatched == 0, mutations)]


def _accepted(odd: int, unlatched: int) -> str:
    return f"{odd} odd ones on the wire, {unlatched} of 7 without a fault" if odd or unlatched else ""


def _malformed(form: Form, random: Random, repeats: int, mutant: str | None = None) -> tuple[int, int]:
    """How many odd commands reached the arm, and how many malformed ones latched no fault with a cause."""
    odd = unlatched = 0
    with _guarded(form, "malformed", mutant) as (rig, wire, agent):
        joints = rig.config.robot.joints
        for i in range(repeats):
            _set_in_motion(wire, agent)
            _send_malformed(agent, joints, i, random)
            try:
                wire.await_state(GuardState.FAULT, timeout=1.0)
            except TimeoutError:
                unlatched += 1
                continue
            unlatched += wire.guard is None or not wire.guard.cause or "silent" in wire.guard.cause
            wire.first_zero(time.monotonic() - REQUIRED)
            odd += sum(h.values.shape != (len(joints),) or not np.isfinite(h.values).all() for h in wire.sent())
            agent.be_silent()
            wire.reset_fault()
            rig.require_all()
    return odd, unlatched


def _send_malformed(agent: Impostor, joints: tuple[str, ...], i: int, random: Random) -> None:
    good = [random.uniform(-SWING, SWING) for _ in joints]
    bad = list(good)
    joint = random.randrange(len(joints))
    match i % 7:
        case 0 | 1 | 2:
            bad[joint] = (math.nan, math.inf, -1e300)[i % 7]
            agent.send(bad)
        case 3:
            agent.send(good[:-1])
        case 4:
            agent.send([*good, 0.0], [*joints, "elbow"])
        case 5:
            agent.send(good, [*joints[:-1], joints[0]])
        case 6:
            agent.send(good, sequence=random.randrange(max(1, agent.sequence)))


def latched(form: Form, random: Random) -> list[Row]:
    """After a fault all is well again, and the guard must not move the arm on its own."""
    repeats = form.repeats(short=3, long=100)
    cleared = _cleared(form, random, repeats)
    promise = "faults never clear themselves (real guard, a good agent speaking again)"
    mutations = mutation(
        form, "latching", lambda: f"{n} cleared" if (n := _cleared(form, random, 1, "forgets_faults")) else ""
    )
    return [Row(6, promise, "0", f"{cleared} cleared", repeats, cleared == 0, mutations)]


def _cleared(form: Form, random: Random, repeats: int, mutant: str | None = None) -> int:
    """How many faults were gone, or how often the arm moved, without a person's word."""
    cleared = 0
    with _guarded(form, "latched", mutant) as (rig, wire, agent):
        for _ in range(repeats):
            _set_in_motion(wire, agent)
            stopped = wire.first_zero(agent.be_silent())
            agent.speak()
            time.sleep(random.uniform(0.5, 1.5))
            if wire.moved(stopped) or wire.guard is None or wire.guard.state != GuardState.FAULT:
                cleared += 1
                continue
            agent.be_silent()
            wire.reset_fault()
            rig.require_all()
    return cleared
