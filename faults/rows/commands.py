"""Promises 3, 4 and 6: forged stamps, malformed commands, and faults that stay."""

import math
import signal
import time
from collections.abc import Sequence
from random import Random

import numpy as np
from builtin_interfaces.msg import Time

from async_rl_interfaces.msg import GuardState
from faults.campaign import Form, mutation, settings
from faults.impostor import SWING, Impostor, Stamp, guarded
from faults.report import Row
from faults.rig import Rig
from faults.wall_clock import COMPILER, WallClock
from faults.wire import NeverError, Wire

REQUIRED = 0.120
"""Seconds from the last command to zero on the wire."""
AHEAD = 3600
OFFSETS = (-3600, AHEAD, None, -10, 10)
"""Seconds by which stamps are wrong; none: they are zero."""
STEPS = (-10, 10, -3600, 3600, 0)
"""Seconds off the true time, one after the other."""
TOLD = 3.0
"""Seconds in which a guard that repeats its state every second has done so."""
GOES_ON = 15.0
"""Seconds in which an arm that goes on has moved: a reset's rest, and its target's placing, are far shorter."""
PATIENT = {"guard.watchdog": 0.5, "guard.state_timeout": 0.5}
"""Seconds: where what is said is at issue, a machine that halts must not pass for an agent that says nothing."""
KINDS = 7
"""Ways to send a malformed command."""
FOLLOWED = (2, 6)
"""Of these, the ones that could be followed for all that comes after the check: an absurd number, an old one."""


def stamps(form: Form, random: Random) -> list[Row]:
    """Commands with stamps an hour early, late, or zero, and then silence: the arm must stop all the same."""
    repeats = form.repeats(short=10, long=400)
    times, missed = _halts(form, random, repeats)
    latest = max(times, default=math.inf)
    measured = f"{missed} missed halts; zero on the wire after at most {latest:.0f} ms"
    met = missed == 0 and latest <= 1e3 * REQUIRED
    promise = "stamps an hour early, late or zero, or 10 s off; then silence"
    mutations = mutation(
        form, "freshness by receipt", lambda: _missed(*_halts(form, random, 1, "trusts_stamps", (AHEAD,)))
    )
    return [Row(3, promise, "0 missed halts", measured, repeats, met, mutations)]


def _missed(times: list[float], missed: int) -> str:
    return f"{missed} missed halts of {missed + len(times)}" if missed else ""


def _halts(
    form: Form, random: Random, repeats: int, mutant: str | None = None, offsets: Sequence[int | None] = OFFSETS
) -> tuple[list[float], int]:
    """Milliseconds from the last command to zero, and how often zero never came."""
    times, missed = [], 0
    with guarded(form, "stamps", safety_guard_node=mutant) as (rig, wire, agent):
        for i in range(repeats):
            agent.stamp = _forged(agent, offsets[i % len(offsets)])
            agent.set_in_motion()
            time.sleep(random.uniform(0.0, 0.1))
            silent = agent.be_silent()
            try:
                times.append(1e3 * (wire.first_zero(silent) - silent))
            except NeverError:
                missed += 1
                continue
            wire.await_state(GuardState.FAULT)
            wire.reset_fault()
            rig.require_all()
    return times, missed


def stepped(form: Form, random: Random) -> list[Row]:
    """The wall clock of every process is set back and forth in motion: nothing is to come of it; then silence."""
    promise = "the wall clock steps by 10 s, or by an hour, forth and back, in motion; then the agent is halted"
    required = "0 stops by the step, 0 missed halts, the guard goes on telling its state"
    if COMPILER is None:
        return [Row(3, promise, required, "", 0, False, skipped="needs a C compiler for a clock that can be set")]
    repeats = form.repeats(short=4, long=100)
    times, stops = _steps(form, random, repeats)
    measured = f"{stops} stops by the step; zero on the wire after at most {max(times):.0f} ms"
    met = stops == 0 and max(times) <= 1e3 * REQUIRED
    mutations = mutation(form, "the steady clock", lambda: _by_wall_clock(form, random))
    return [Row(3, promise, required, measured, repeats, met, mutations)]


def _by_wall_clock(form: Form, random: Random) -> str:
    times, stops = _steps(form, random, 1, "trusts_the_wall_clock")
    return f"{stops} stops by the step" if stops or max(times) > 1e3 * REQUIRED else ""


def _steps(form: Form, random: Random, repeats: int, mutant: str | None = None) -> tuple[list[float], int]:
    """Milliseconds from the agent's halt to zero, and how often a step of the clock alone stopped the arm."""
    config = settings(form, f"steps_{mutant or ''}")
    mutants = {"safety_guard_node": mutant} if mutant else {}
    times, stops = [], 0
    clock = WallClock(form.scratch)
    with (
        Rig(config, form.domain, mutants=mutants, variables=clock.environment) as rig,
        Wire(config, form.domain) as wire,
    ):
        for i in range(repeats):
            wire.await_state(GuardState.ARMED)
            wire.await_motion()
            clock.step(STEPS[i % len(STEPS)])
            wire.guard = None
            wire.expect(lambda: wire.guard is not None, TOLD, "the guard's state after a step of the clock")
            time.sleep(random.uniform(0.0, 1.0))
            if wire.guard is not None and wire.guard.state != GuardState.ARMED:
                stops += 1
            else:
                wire.expect(wire.moves, GOES_ON, "an arm that goes on after a step of the clock")
                halted = rig.signal("rl_agent_node", signal.SIGSTOP)
                times.append(1e3 * (wire.first_zero(halted) - halted))
                rig.signal("rl_agent_node", signal.SIGCONT)
                wire.await_state(GuardState.FAULT)
            wire.reset_fault()
            rig.require_all()
    return times, stops


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
        form, "checks of commands", lambda: _accepted(*_malformed(form, random, 2, "unchecked_commands", FOLLOWED))
    )
    return [Row(4, promise, required, measured, repeats, odd == unlatched == 0, mutations)]


def _accepted(odd: int, unlatched: int) -> str:
    return f"{odd} odd ones on the wire, {unlatched} of 2 without a fault" if odd or unlatched else ""


def _malformed(
    form: Form, random: Random, repeats: int, mutant: str | None = None, kinds: Sequence[int] = range(KINDS)
) -> tuple[int, int]:
    """How many odd commands reached the arm, and how many malformed ones latched no fault with a cause."""
    odd = unlatched = 0
    with guarded(form, "malformed", PATIENT, safety_guard_node=mutant) as (rig, wire, agent):
        joints = rig.config.robot.joints
        for i in range(repeats):
            agent.set_in_motion()
            _send_malformed(agent, joints, kinds[i % len(kinds)], random)
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


def _send_malformed(agent: Impostor, joints: tuple[str, ...], kind: int, random: Random) -> None:
    good = [random.uniform(-SWING, SWING) for _ in joints]
    bad = list(good)
    joint = random.randrange(len(joints))
    match kind:
        case 0 | 1 | 2:
            bad[joint] = (math.nan, math.inf, -1e300)[kind]
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
    with guarded(form, "latched", safety_guard_node=mutant) as (rig, wire, agent):
        for _ in range(repeats):
            agent.set_in_motion()
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
