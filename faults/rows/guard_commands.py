"""Promises 4 and 6 in great numbers: the guard in plain Python with an arm that follows exactly."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

import numpy as np

from async_rl_core.config.load import resolve
from async_rl_core.safety.guard import Guard
from async_rl_core.safety.inputs.command_input import CommandInput
from async_rl_core.safety.inputs.status_input import StatusInput
from async_rl_core.safety.states import FaultKind, GuardMode
from async_rl_core.sim.model import urdf_text
from faults.campaign import Campaign, mutation
from faults.report import Row
from testing.guard_bench import GuardBench

MOVING = [0.2, 0.2, -0.2, 0.2, 0.2, 0.0]
PER_FAULT = 500
"""Malformed commands after the first one; valid ones among them must not clear the fault."""
STOP = 40
"""Cycles until the arm has been at rest long enough for a reset."""
AFTERWARDS = 60
"""Cycles with valid input after a fault."""


def refused(campaign: Campaign, random: Random) -> list[Row]:
    """Measures malformed commands of every kind with random values."""
    count = campaign.repeats(short=2_000, long=1_000_000)
    passed, odd, unlatched = _refused(count, random)
    required = "0 reach the robot; the first latches a fault with a cause"
    measured = f"{passed} passed, {odd} odd velocities sent, {unlatched} without a fault and its cause"
    mutations = mutation(campaign, "the number that has to rise", lambda: _taken(random))
    promise = "malformed commands (the guard in plain Python)"
    return [Row(4, promise, required, measured, count, passed == odd == unlatched == 0, mutations)]


def _taken(random: Random) -> str:
    with _replaced(CommandInput, "_repeated", lambda *anything: False):
        passed, _, _ = _refused(PER_FAULT, random)
    return f"{passed} of {PER_FAULT} passed" if passed else ""


def _refused(count: int, random: Random) -> tuple[int, int, int]:
    """Returns accepted commands, invalid velocities sent, and faults not latched."""
    bench, passed, odd, unlatched = _bench(), 0, 0, 0
    while count > 0:
        _set_in_motion(bench)
        for i in range(min(PER_FAULT, count)):
            names, velocity, sequence = _malformed(bench, random)
            passed += bench.guard.on_command(bench.time, sequence, names, velocity)
            bench.cycles(1, command=MOVING if i % 5 == 4 else None)
            odd += not np.isfinite(bench.velocity).all()
            unlatched += i == 0 and (bench.guard.fault is None or bench.guard.fault.kind is not FaultKind.COMMAND)
        odd += min(PER_FAULT, count) > STOP and bool(bench.velocity.any())
        count -= PER_FAULT
        _reset(bench)
    return passed, odd, unlatched


def _malformed(bench: GuardBench, random: Random) -> tuple[list[str], list[float], int]:
    """Returns names, velocities and number, one of them wrong."""
    names, velocity, joint = list(bench.names), list(MOVING), random.randrange(len(MOVING))
    sequence = bench.sequence + 1
    match random.randrange(6):
        case 0:
            velocity[joint] = random.choice((math.nan, math.inf, -math.inf, 1e300, -1e300))
        case 1:
            velocity = [random.uniform(-0.2, 0.2) for _ in range(random.choice((0, 1, 5, 7, 12, 1000)))]
        case 2:
            names[joint] = random.choice(("", "elbow", "x" * 1000, names[joint - 1]))
        case 3:
            names, velocity = [*names, "finger"], [*velocity, 0.0]
        case 4:
            velocity[joint] = random.choice((-1, 1)) * random.uniform(5.1, 100.0) * bench.robot.limits.velocity[joint]
        case 5:
            sequence = random.choice((bench.sequence, random.randint(-(2**63), bench.sequence)))
    return names, velocity, sequence


def histories(campaign: Campaign, random: Random) -> list[Row]:
    """Measures several faults in random order, then valid input: the worst fault must stay."""
    repeats = campaign.repeats(short=30, long=1_000)
    cleared, lesser = _histories(repeats, random)
    promise = "faults never clear themselves; of several the worst wins (the guard in plain Python)"
    mutations = mutation(campaign, "the order of faults", lambda: _any_order(random))
    measured = f"{cleared} cleared or moved again, {lesser} hid a worse one"
    return [Row(6, promise, "0", measured, repeats, cleared == lesser == 0, mutations)]


def _any_order(random: Random) -> str:
    with _replaced(Guard, "_is_worst", lambda *anything: True):
        _, lesser = _histories(30, random)
    return f"{lesser} of 30 hid a worse one" if lesser else ""


def _histories(repeats: int, random: Random) -> tuple[int, int]:
    bench, cleared, lesser = _bench(), 0, 0
    later = [kind for kind in FAULTS if kind in LATER]
    for _ in range(repeats):
        _set_in_motion(bench)
        kinds = [random.choice(list(FAULTS)), *random.choices(later, k=random.randint(1, 3))]
        for kind in kinds:
            FAULTS[kind](bench)
            bench.cycles(random.randint(1, 10), command=MOVING)
        bench.cycles(STOP, command=MOVING)
        _make_well(bench)
        for _ in range(AFTERWARDS):
            bench.cycles(1)
            bench.send(MOVING)
            cleared += bench.guard.state is not GuardMode.FAULT or bool(bench.velocity.any())
        lesser += bench.guard.fault is None or bench.guard.fault.kind is not max(kinds)
        _reset(bench)
    return cleared, lesser


def _silent_robot(bench: GuardBench) -> None:
    for _ in range(20):
        bench.cycles(1, states=False)
        bench.send(MOVING)


def _not_ready(bench: GuardBench) -> None:
    bench.guard._status = StatusInput(True)
    bench.guard.on_status(bench.time, False, "a protective stop")
    bench.cycles(1)


def _jump(bench: GuardBench) -> None:
    bench.guard.on_joint_state(bench.time, round(1e9 * bench.time) + 1, bench.names, (bench.position + 0.5).tolist())


FAULTS: dict[FaultKind, Callable[[GuardBench], object]] = {
    FaultKind.AGENT_SILENT: lambda bench: bench.cycles(20),
    FaultKind.ROBOT_SILENT: _silent_robot,
    FaultKind.NOT_READY: _not_ready,
    FaultKind.COMMAND: lambda bench: bench.send([math.nan] * len(bench.names)),
    FaultKind.ROBOT: _jump,
    FaultKind.PUBLISHERS: lambda bench: bench.guard.on_publishers(bench.time, 2),
    FaultKind.GUARD: lambda bench: bench.guard.fail(bench.time, "an error"),
}
LATER = (FaultKind.COMMAND, FaultKind.ROBOT, FaultKind.GUARD)
"""Faults that a guard with a latched fault still notices."""


def _bench() -> GuardBench:
    config = resolve("laptop", {})
    return GuardBench(config, urdf_text(config.robot))


def _set_in_motion(bench: GuardBench) -> None:
    """Moves the arm from the start pose, where it is placed first."""
    bench.position = np.array(bench.robot.start)
    bench.guard._motion.reset()  # or being put there would count as motion
    bench.cycles(60, command=[0.0] * len(bench.names))
    bench.cycles(25, command=MOVING)
    if bench.guard.state is not GuardMode.ARMED:
        raise RuntimeError(f"not armed: {bench.guard.missing(bench.time)}, {bench.guard.fault}")


def _make_well(bench: GuardBench) -> None:
    bench.guard._status = StatusInput(False)
    bench.guard.on_publishers(bench.time, 1)


def _reset(bench: GuardBench) -> None:
    bench.cycles(STOP, command=MOVING)
    cleared, why = bench.guard.reset_fault(bench.time)
    if not cleared:
        raise RuntimeError(why)


@contextmanager
def _replaced(owner: type, name: str, value: object) -> Iterator[None]:
    kept = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, kept)
