"""Recovery from faults: only timing faults of a simulated arm clear by themselves."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.errors import ConfigError
from async_rl_core.safety.inputs.status_input import StatusInput
from async_rl_core.safety.states import FaultKind, GuardMode
from testing.guard_bench import GuardBench

ZERO = [0.0] * 6
MOVING = [0.2, 0.2, -0.2, 0.2, 0.2, 0.0]
LONG = 200
"""Cycles in which a fault that can be cleared has been, and the arm is armed again."""
MakeBench = Callable[..., GuardBench]


def moving(bench: MakeBench, simulated: bool = True, **guard: object) -> GuardBench:
    arm = bench(simulated=simulated, **guard).armed()
    arm.cycles(50, command=MOVING)
    assert np.any(arm.velocity)
    return arm


def silent_agent(arm: GuardBench) -> None:
    arm.cycles(14)


def silent_states(arm: GuardBench) -> None:
    arm.cycles(14, states=False, command=MOVING)


def halted_guard(arm: GuardBench) -> None:
    arm.guard.on_halt(arm.time, 0.15)


HICCUPS: dict[FaultKind, Callable[[GuardBench], None]] = {
    FaultKind.AGENT_SILENT: silent_agent,
    FaultKind.ROBOT_SILENT: silent_states,
    FaultKind.HALTED: halted_guard,
}


def frozen(arm: GuardBench) -> None:
    for _ in range(14):
        arm.guard.on_joint_state(arm.time, round(1e9 * arm.time), arm.names, arm.guard.joints.position)
        arm.cycles(1, states=False, command=MOVING)


def not_ready(arm: GuardBench) -> None:
    arm.guard._status = StatusInput(True)
    arm.guard.on_status(arm.time, False, "a protective stop")
    arm.cycles(1, command=MOVING)
    arm.guard._status = StatusInput(False)


OTHERS: dict[FaultKind, Callable[[GuardBench], object]] = {
    FaultKind.ROBOT_SILENT: frozen,
    FaultKind.NOT_READY: not_ready,
    FaultKind.COMMAND: lambda arm: arm.send([math.nan] * 6),
    FaultKind.ROBOT: lambda arm: arm.guard.on_joint_state(arm.time, 10**12, arm.names, (arm.position + 0.5).tolist()),
    FaultKind.PUBLISHERS: lambda arm: arm.guard.on_publishers(arm.time, 2),
    FaultKind.GUARD: lambda arm: arm.guard.fail(arm.time, "an error"),
}


@pytest.mark.parametrize("kind", HICCUPS)
def test_guard_timing_fault_of_a_simulated_arm_is_cleared_at_rest(bench: MakeBench, kind: FaultKind) -> None:
    arm = moving(bench)
    HICCUPS[kind](arm)
    arm.cycles(1)
    assert arm.guard.fault is not None and arm.guard.fault.kind is kind
    waited = 0
    while arm.guard.fault is not None:
        arm.cycles(1, command=MOVING)
        arm.check()
        waited += 1
        assert waited < LONG
    assert arm.guard.state is GuardMode.DISARMED
    assert not np.any(arm.velocity)
    arm.cycles(LONG, command=MOVING)
    assert arm.guard.state is GuardMode.ARMED
    assert np.any(arm.velocity)
    assert (arm.guard.faults.counts, arm.guard.faults.cleared) == ({kind: 1}, 1)
    assert arm.guard.faults.last is not None and arm.guard.faults.last.kind is kind


@pytest.mark.parametrize("kind", [*OTHERS, *sorted(set(FaultKind) - set(HICCUPS) - set(OTHERS))])
def test_guard_any_other_fault_latches_with_a_simulated_arm_too(bench: MakeBench, kind: FaultKind) -> None:
    arm = moving(bench)
    OTHERS.get(kind, lambda arm: arm.guard._fail(kind, "a test", arm.time))(arm)
    arm.guard.on_publishers(arm.time, 1)
    arm.position = np.array(arm.guard.joints.position)
    arm.cycles(LONG, command=MOVING)
    assert arm.guard.fault is not None and arm.guard.fault.kind is kind
    assert arm.guard.faults.cleared == 0


@pytest.mark.parametrize("kind", HICCUPS)
@pytest.mark.parametrize("simulated", [True, False])
def test_guard_timing_fault_latches_where_clearing_is_off_or_the_arm_is_real(
    bench: MakeBench, kind: FaultKind, simulated: bool
) -> None:
    arm = moving(bench, simulated, clear_timing_faults=not simulated)
    HICCUPS[kind](arm)
    arm.cycles(LONG, command=MOVING)
    assert arm.guard.fault is not None and arm.guard.fault.kind is kind


def test_guard_worse_fault_beside_a_hiccup_is_kept(bench: MakeBench) -> None:
    arm = moving(bench)
    silent_agent(arm)
    arm.send([math.nan] * 6)
    arm.cycles(LONG, command=MOVING)
    assert arm.guard.fault is not None and arm.guard.fault.kind is FaultKind.COMMAND
    assert arm.guard.faults.counts == {FaultKind.AGENT_SILENT: 1, FaultKind.COMMAND: 1}


def test_guard_timing_fault_is_not_cleared_while_joint_states_do_not_show_rest(bench: MakeBench) -> None:
    arm = moving(bench)
    silent_states(arm)
    arm.cycles(LONG, states=False, command=MOVING)
    assert arm.guard.state is GuardMode.FAULT
    for i in range(LONG):
        arm.position[0] += 0.1 * arm.cycle * (-1) ** (i // 15)  # it trembles by 0.012 rad
        arm.cycles(1, command=MOVING)
    assert arm.guard.state is GuardMode.FAULT
    arm.cycles(LONG, command=MOVING)
    assert arm.guard.state is GuardMode.ARMED


def test_guard_timing_fault_of_an_arm_that_is_pushed_away_latches(bench: MakeBench) -> None:
    arm = moving(bench)
    silent_states(arm)
    arm.cycles(LONG, states=False, command=MOVING)
    for _ in range(LONG):
        arm.position[0] += 0.1 * arm.cycle
        arm.cycles(1, command=MOVING)
    arm.cycles(LONG, command=MOVING)
    assert arm.guard.fault is not None and arm.guard.fault.kind is FaultKind.MOTION


def test_guard_persons_disarming_holds_through_a_timing_fault(bench: MakeBench) -> None:
    arm = moving(bench)
    silent_agent(arm)
    arm.guard.disarm(arm.time)
    arm.cycles(LONG, command=MOVING)
    assert arm.guard.state is GuardMode.DISARMED
    assert not np.any(arm.velocity)


def test_guard_after_clearing_the_agent_must_speak_again_for_a_while(bench: MakeBench) -> None:
    """An agent that spoke all the time has heard of the fault before its commands move the arm again."""
    arm = moving(bench)
    halted_guard(arm)
    while arm.guard.state is GuardMode.FAULT:
        arm.cycles(5, command=MOVING)
    assert "commands of the agent in a row" in arm.guard.missing(arm.time)[0]


def test_fault_log_silence_is_measured_to_its_end(bench: MakeBench) -> None:
    arm = moving(bench)
    arm.cycles(100)
    arm.cycles(1, command=MOVING)
    assert arm.guard.faults.longest_silence == pytest.approx(0.8, abs=0.05)


def test_configuration_clearing_is_refused_for_a_real_robot_and_on_in_simulation(config: Config) -> None:
    real: dict[str, object] = {"hardware": "real", "robot_ip": "192.0.2.1", "guard.auto_arm": False}
    assert resolve("laptop", real).guard.clear_timing_faults is None
    with pytest.raises(ConfigError, match=r"guard\.clear_timing_faults.*cleared by a person"):
        resolve("laptop", {**real, "guard.clear_timing_faults": True})


def test_guard_timing_fault_does_not_hide_frozen_joint_states(bench: MakeBench) -> None:
    arm = moving(bench)
    frozen(arm)
    halted_guard(arm)
    arm.cycles(LONG, command=MOVING)
    assert arm.guard.fault is not None and arm.guard.fault.kind is FaultKind.ROBOT_SILENT


def test_guard_cause_says_what_the_computer_did(bench: MakeBench) -> None:
    arm = moving(bench, simulated=False)
    arm.cycles(5)
    arm.guard.halts.cycle(arm.time, arm.time + 0.060, 0.0)
    arm.time += 0.060
    arm.cycles(8)
    assert arm.guard.fault is not None
    assert arm.guard.fault.cause.startswith("agent silent for 1")
    assert arm.guard.fault.cause.endswith(", of which the whole machine halted for 60 ms")
