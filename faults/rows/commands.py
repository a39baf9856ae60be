"""Promises 3, 4 and 6: forged stamps, malformed commands, and faults that stay."""

import math
import signal
import time
from collections.abc import Sequence
from random import Random

import numpy as np
from builtin_interfaces.msg import Time

from async_rl_interfaces.msg import GuardState
from faults.arm_listener import ArmListener, PromiseTimeoutError
from faults.campaign import Campaign, mutation, run_config
from faults.fake_agent import SWING, FakeAgent, Stamp, guard_with_fake_agent
from faults.node_rig import NodeRig
from faults.report import Row
from faults.wall_clock import COMPILER, WallClock

REQUIRED = 0.120
"""Seconds from the last command to a zero command."""
AHEAD = 3600
OFFSETS = (-3600, AHEAD, None, -10, 10)
"""Errors of the stamps in seconds; None: the stamp is zero."""
STEPS = (-10, 10, -3600, 3600, 0)
"""Errors of the wall clock in seconds, one after another."""
TOLD = 3.0
"""Seconds within which the guard has repeated its state."""
GOES_ON = 15.0
"""Seconds within which an arm that continues has moved; the rest of a reset is far shorter."""
PATIENT = {"guard.watchdog": 0.5, "guard.state_timeout": 0.5}
"""Long timeouts in seconds, so that a halt of the machine does not count as a silent agent."""
KINDS = 7
"""Number of kinds of malformed commands."""
FOLLOWED = (2, 6)
"""Kinds that only the check of commands refuses: an absurd velocity, an old number."""


def stamps(campaign: Campaign, random: Random) -> list[Row]:
    """Measures silence after commands with wrong stamps: the arm must stop."""
    repeats = campaign.repeats(short=10, long=400)
    times, missed = _halts(campaign, random, repeats)
    latest = max(times, default=math.inf)
    measured = f"{missed} missed halts; zero on the wire after at most {latest:.0f} ms"
    met = missed == 0 and latest <= 1e3 * REQUIRED
    promise = "stamps an hour early, late or zero, or 10 s off; then silence"
    mutations = mutation(
        campaign,
        "freshness by receipt",
        lambda: _missed(*_halts(campaign, random, 1, "without_receipt_time", (AHEAD,))),
    )
    return [Row(3, promise, "0 missed halts", measured, repeats, met, mutations)]


def _missed(times: list[float], missed: int) -> str:
    return f"{missed} missed halts of {missed + len(times)}" if missed else ""


def _halts(
    campaign: Campaign, random: Random, repeats: int, mutant: str | None = None, offsets: Sequence[int | None] = OFFSETS
) -> tuple[list[float], int]:
    """Returns ms from the last command to zero, and the number of missing zeros."""
    times, missed = [], 0
    with guard_with_fake_agent(campaign, "stamps", safety_guard_node=mutant) as (rig, listener, agent):
        for i in range(repeats):
            agent.stamp = _forged(agent, offsets[i % len(offsets)])
            agent.set_in_motion()
            time.sleep(random.uniform(0.0, 0.1))
            silent = agent.stop_commands()
            try:
                times.append(1e3 * (listener.first_zero(silent) - silent))
            except PromiseTimeoutError:
                missed += 1
                continue
            listener.await_state(GuardState.FAULT)
            listener.reset_fault()
            rig.require_all()
    return times, missed


def stepped(campaign: Campaign, random: Random) -> list[Row]:
    """Measures steps of the wall clock in motion, which must have no effect, and then silence."""
    promise = "the wall clock steps by 10 s, or by an hour, forth and back, in motion; then the agent is halted"
    required = "0 stops by the step, 0 missed halts, the guard goes on telling its state"
    if COMPILER is None:
        return [Row(3, promise, required, "", 0, False, skipped="needs a C compiler for a clock that can be set")]
    repeats = campaign.repeats(short=4, long=100)
    times, stops = _steps(campaign, random, repeats)
    measured = f"{stops} stops by the step; zero on the wire after at most {max(times):.0f} ms"
    met = stops == 0 and max(times) <= 1e3 * REQUIRED
    mutations = mutation(campaign, "the steady clock", lambda: _by_wall_clock(campaign, random))
    return [Row(3, promise, required, measured, repeats, met, mutations)]


def _by_wall_clock(campaign: Campaign, random: Random) -> str:
    times, stops = _steps(campaign, random, 1, "without_steady_clock")
    return f"{stops} stops by the step" if stops or max(times) > 1e3 * REQUIRED else ""


def _steps(campaign: Campaign, random: Random, repeats: int, mutant: str | None = None) -> tuple[list[float], int]:
    """Returns ms from the agent's halt to zero, and the number of stops by a clock step alone."""
    config = run_config(campaign, f"steps_{mutant or ''}")
    mutants = {"safety_guard_node": mutant} if mutant else {}
    times, stops = [], 0
    clock = WallClock(campaign.scratch)
    with (
        NodeRig(config, campaign.domain, mutants=mutants, variables=clock.environment) as rig,
        ArmListener(config, campaign.domain) as listener,
    ):
        for i in range(repeats):
            listener.await_state(GuardState.ARMED)
            listener.await_motion()
            clock.step(STEPS[i % len(STEPS)])
            listener.guard = None
            listener.expect(lambda: listener.guard is not None, TOLD, "the guard's state after a step of the clock")
            time.sleep(random.uniform(0.0, 1.0))
            if listener.guard is not None and listener.guard.state != GuardState.ARMED:
                stops += 1
            else:
                listener.expect(listener.is_moving, GOES_ON, "an arm that goes on after a step of the clock")
                halted = rig.signal("rl_agent_node", signal.SIGSTOP)
                times.append(1e3 * (listener.first_zero(halted) - halted))
                rig.signal("rl_agent_node", signal.SIGCONT)
                listener.await_state(GuardState.FAULT)
            listener.reset_fault()
            rig.require_all()
    return times, stops


def _forged(agent: FakeAgent, offset: int | None) -> Stamp:
    def stamp() -> Time:
        now = agent.now()
        return Time() if offset is None else Time(sec=now.sec + offset, nanosec=now.nanosec)

    return stamp


def malformed(campaign: Campaign, random: Random) -> list[Row]:
    """Measures a malformed command in motion: a latched fault names it, the arm stops, no invalid command is sent."""
    repeats = campaign.repeats(short=7, long=400)
    odd, unlatched = _malformed(campaign, random, repeats)
    promise = "NaN, inf, wrong length, wrong names, replayed sequence numbers (real guard)"
    required = "0 reach the robot; the first latches a fault with a cause"
    measured = f"{odd} odd ones on the wire, {unlatched} without a fault and its cause"
    mutations = mutation(
        campaign,
        "checks of commands",
        lambda: _accepted(*_malformed(campaign, random, 2, "without_command_checks", FOLLOWED)),
    )
    return [Row(4, promise, required, measured, repeats, odd == unlatched == 0, mutations)]


def _accepted(odd: int, unlatched: int) -> str:
    return f"{odd} odd ones on the wire, {unlatched} of 2 without a fault" if odd or unlatched else ""


def _malformed(
    campaign: Campaign, random: Random, repeats: int, mutant: str | None = None, kinds: Sequence[int] = range(KINDS)
) -> tuple[int, int]:
    """Returns invalid commands at the arm, and malformed commands that latched no fault with a cause."""
    odd = unlatched = 0
    with guard_with_fake_agent(campaign, "malformed", PATIENT, safety_guard_node=mutant) as (rig, listener, agent):
        joints = rig.config.robot.joints
        for i in range(repeats):
            agent.set_in_motion()
            _send_malformed(agent, joints, kinds[i % len(kinds)], random)
            try:
                listener.await_state(GuardState.FAULT, timeout=1.0)
            except TimeoutError:
                unlatched += 1
                continue
            unlatched += listener.guard is None or not listener.guard.cause or "silent" in listener.guard.cause
            listener.first_zero(time.monotonic() - REQUIRED)
            odd += sum(
                h.values.shape != (len(joints),) or not np.isfinite(h.values).all()
                for h in listener.received_commands()
            )
            agent.stop_commands()
            listener.reset_fault()
            rig.require_all()
    return odd, unlatched


def _send_malformed(agent: FakeAgent, joints: tuple[str, ...], kind: int, random: Random) -> None:
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


def latched(campaign: Campaign, random: Random) -> list[Row]:
    """Measures valid commands after a fault: the guard must not move the arm."""
    repeats = campaign.repeats(short=3, long=100)
    cleared = _cleared(campaign, random, repeats)
    promise = "faults never clear themselves (real guard, a good agent speaking again)"
    mutations = mutation(
        campaign,
        "latching",
        lambda: f"{n} cleared" if (n := _cleared(campaign, random, 1, "without_fault_latch")) else "",
    )
    return [Row(6, promise, "0", f"{cleared} cleared", repeats, cleared == 0, mutations)]


def _unlatched(campaign: Campaign, random: Random) -> str:
    cleared = _cleared(campaign, random, 1, "without_fault_latch")
    return f"{cleared} cleared" if cleared else ""


def _cleared(campaign: Campaign, random: Random, repeats: int, mutant: str | None = None) -> int:
    """Returns the number of faults cleared, or motions, without a person."""
    cleared = 0
    with guard_with_fake_agent(campaign, "latched", safety_guard_node=mutant) as (rig, listener, agent):
        for _ in range(repeats):
            agent.set_in_motion()
            stopped = listener.first_zero(agent.stop_commands())
            agent.start_commands()
            time.sleep(random.uniform(0.5, 1.5))
            if listener.moved(stopped) or listener.guard is None or listener.guard.state != GuardState.FAULT:
                cleared += 1
                continue
            agent.stop_commands()
            listener.reset_fault()
            rig.require_all()
    return cleared
