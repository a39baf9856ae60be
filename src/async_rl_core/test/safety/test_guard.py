import math
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from async_rl_core.config.schema import Config
from async_rl_core.errors import SafetyError
from async_rl_core.safety.guard import Guard
from async_rl_core.safety.states import Kind, State

from .conftest import Bench

ZERO = [0.0] * 6
MOVING = [0.2, 0.2, -0.2, 0.2, 0.2, 0.0]
MakeBench = Callable[..., Bench]


def until_rest(arm: Bench, limit: float = 0.2) -> float:
    """Seconds until the command is zero; every cycle on the way is checked."""
    start = arm.time
    while np.any(arm.velocity) and arm.time - start < limit:
        arm.cycles(1)
        arm.check()
    assert not np.any(arm.velocity)
    return arm.time - start


# Arming


def test_disarmed_it_sends_zeros_and_says_what_is_missing(config: Config, urdf: str) -> None:
    guard = Guard(config.robot, config.guard, config.agent.action_cycle_time)
    assert not np.any(guard.tick(0.0))
    armed, message = guard.arm(0.0)
    assert not armed
    for text in ("no fresh command", "no fresh joint_states", "no robot_description", "0 publishers on"):
        assert text in message
    assert guard.state is State.DISARMED


def test_it_waits_for_a_steady_agent(bench: MakeBench) -> None:
    arm = bench()
    arm.cycles(1, command=ZERO)
    assert "only 1 commands" in arm.guard.missing(arm.time)[0]
    arm.armed()


def test_a_real_robot_is_armed_by_a_person(bench: MakeBench) -> None:
    arm = bench(auto_arm=False)
    arm.cycles(200, command=MOVING)
    assert arm.guard.state is State.DISARMED
    assert not np.any(arm.velocity)
    assert arm.guard.arm(arm.time) == (True, "armed")
    arm.cycles(50, command=MOVING)
    np.testing.assert_allclose(arm.velocity, MOVING)


def test_a_joint_outside_its_limits_is_named(bench: MakeBench, config: Config) -> None:
    start = [*config.robot.start[:4], 0.0, config.robot.start[5]]
    arm = bench(start=start)
    arm.cycles(60, command=ZERO)
    assert arm.guard.missing(arm.time) == ["wrist_2_joint at 0.000 rad, limits [-2.356, -0.785]"]


def test_a_persons_disarming_holds(bench: MakeBench) -> None:
    arm = bench().armed()
    arm.cycles(50, command=MOVING)
    arm.guard.disarm(arm.time)
    assert arm.guard.state is State.STOPPING
    arm.cycles(50, command=MOVING)
    assert arm.guard.state is State.DISARMED
    assert not np.any(arm.velocity)
    assert arm.guard.arm(arm.time)[0]


# Silence


@pytest.mark.parametrize("phase", range(5))
def test_a_silent_agent_stops_the_arm_and_latches(bench: MakeBench, config: Config, phase: int) -> None:
    arm = bench().armed()
    arm.cycles(46 + phase, command=[0.7, 0.0, 0.0, 0.0, 0.0, 0.0])
    last = arm.time - (1 + phase % 5) * arm.cycle  # cycle 45 was the last with a command
    while arm.guard.fault is None:
        arm.cycles(1)
        arm.check()
        assert arm.time - last < 0.2
    assert arm.guard.fault.kind is Kind.AGENT_SILENT
    assert arm.guard.fault.cause.startswith("agent silent for 10")
    until_rest(arm)
    assert arm.time - last <= 0.14


def test_silence_of_the_robot_stops_the_arm(bench: MakeBench) -> None:
    arm = bench().armed()
    arm.cycles(50, command=MOVING)
    arm.cycles(20, states=False, command=MOVING)
    assert arm.guard.fault is not None
    assert arm.guard.fault.cause.startswith("joint_states silent for 10")
    until_rest(arm)


def test_one_lost_command_latches_nothing(bench: MakeBench) -> None:
    arm = bench().armed()
    arm.cycles(46, command=MOVING)
    arm.cycles(9)
    assert arm.guard.fault is None
    assert np.abs(arm.velocity).max() < 0.2  # past the grace it slows down
    arm.cycles(50, command=MOVING)
    np.testing.assert_allclose(arm.velocity, MOVING)


def test_a_new_agent_needs_a_new_arming(bench: MakeBench) -> None:
    arm = bench(auto_arm=False)
    arm.cycles(60, command=ZERO)
    arm.guard.arm(arm.time)
    arm.cycles(50)
    assert arm.guard.state is State.FAULT
    assert arm.guard.reset_fault(arm.time)[0]
    arm.sequence = 0  # a new process counts from the beginning
    arm.cycles(60, command=ZERO)
    assert arm.guard.state is State.DISARMED
    assert arm.guard.arm(arm.time)[0]


# Malformed input

malformed = st.one_of(
    st.tuples(st.just("value"), st.sampled_from([math.nan, math.inf, -math.inf, 1e300, 11.0]), st.integers(0, 5)),
    st.tuples(st.just("length"), st.integers(0, 12).filter(lambda n: n != 6), st.just(0)),
    st.tuples(st.just("names"), st.integers(0, 5), st.sampled_from(["elbow", "", "wrist_1_joint", "x" * 1000])),
    st.tuples(st.just("extra"), st.integers(0, 0), st.just(0)),
    st.tuples(st.just("sequence"), st.integers(-(2**63), 70), st.just(0)),
)


def broken(kind: str, a: object, b: object, names: list[str]) -> tuple[list[str], list[float]]:
    velocity = list(MOVING)
    names = list(names)
    if kind == "value":
        velocity[int(b)] = float(a)  # type: ignore[call-overload,arg-type]
    elif kind == "length":
        velocity = [0.1] * int(a)  # type: ignore[call-overload]
    elif kind == "names":
        names[int(a)] = b if b != names[int(a)] else "other"  # type: ignore[call-overload]
    elif kind == "extra":
        names, velocity = [*names, "finger"], [*velocity, 0.0]
    return names, velocity


@settings(max_examples=150)
@given(malformed)
def test_malformed_commands_never_pass_and_latch(bench: MakeBench, case: tuple[str, object, object]) -> None:
    arm = bench().armed()
    arm.cycles(70, command=MOVING)
    names, velocity = broken(*case, arm.names)
    sequence = min(int(case[1]), arm.sequence) if case[0] == "sequence" else arm.sequence + 1  # type: ignore[call-overload]
    refused = arm.guard.refused
    assert not arm.guard.on_command(arm.time, sequence, names, velocity)
    assert arm.guard.refused == refused + 1
    assert arm.guard.state is State.FAULT
    assert arm.guard.fault is not None
    assert str(sequence) in arm.guard.fault.cause
    until_rest(arm)
    arm.cycles(100, command=MOVING)  # good commands do not heal it
    assert arm.guard.state is State.FAULT
    assert not np.any(arm.velocity)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_malformed_commands_latch_before_arming_too(bench: MakeBench, value: float) -> None:
    arm = bench()
    arm.send([value, *ZERO[1:]])
    assert arm.guard.state is State.FAULT
    arm.cycles(100, command=ZERO)
    assert arm.guard.state is State.FAULT


def test_commands_in_another_order_of_joints(bench: MakeBench) -> None:
    arm = bench().armed()
    names = arm.names[::-1]
    for _ in range(5):
        arm.sequence += 1
        assert arm.guard.on_command(arm.time, arm.sequence, names, MOVING[::-1])
        arm.cycles(5)
    np.testing.assert_allclose(arm.velocity, MOVING)


@pytest.mark.parametrize(
    ("names", "angles", "text"),
    [
        (slice(0, 5), [1.5, -2.0, 1.9, -3.0, -1.57], "lacks"),
        (slice(0, 6), [1.5, -2.0, 1.9, -3.0, -1.57, math.nan], "not finite"),
        (slice(0, 6), [1.5, -2.0], "2 values for 6 names"),
    ],
)
def test_broken_joint_states_latch(bench: MakeBench, names: slice, angles: list[float], text: str) -> None:
    arm = bench().armed()
    arm.cycles(50, command=MOVING)
    assert not arm.guard.on_joint_state(arm.time, arm.names[names], angles)
    assert arm.guard.fault is not None
    assert text in arm.guard.fault.cause
    until_rest(arm)


def test_a_second_publisher_latches(bench: MakeBench) -> None:
    arm = bench().armed()
    arm.guard.on_publishers(arm.time, 2)
    assert arm.guard.fault is not None
    assert "2 publishers on forward_velocity_controller/commands" in arm.guard.fault.cause


# Faults


def test_faults_do_not_clear_themselves_and_the_worst_is_kept(bench: MakeBench) -> None:
    arm = bench().armed()
    arm.cycles(50, command=MOVING)
    arm.cycles(14)
    assert arm.guard.fault is not None
    assert arm.guard.fault.kind is Kind.AGENT_SILENT
    assert not arm.guard.reset_fault(arm.time)[0] or not np.any(arm.velocity)
    arm.send([math.nan] * 6)
    arm.cycles(1000, command=ZERO)
    assert arm.guard.fault.kind is Kind.COMMAND
    assert not arm.guard.arm(arm.time)[0]
    assert "FAULT" in arm.guard.arm(arm.time)[1]
    assert arm.guard.reset_fault(arm.time) == (True, "fault cleared")
    assert arm.guard.fault is None


def test_a_lesser_fault_does_not_hide_a_worse_one(bench: MakeBench) -> None:
    arm = bench().armed()
    arm.guard.fail(arm.time, "the worst")
    arm.send([math.nan] * 6)
    assert arm.guard.fault is not None
    assert arm.guard.fault.cause == "the worst"


def test_a_fault_is_not_cleared_while_the_arm_moves(bench: MakeBench) -> None:
    arm = bench().armed()
    arm.cycles(50, command=MOVING)
    arm.guard.fail(arm.time, "a test")
    assert arm.guard.reset_fault(arm.time) == (False, "the arm is not at rest yet")
    until_rest(arm)
    assert arm.guard.reset_fault(arm.time)[0]


def test_an_impossible_grace_is_refused(config: Config) -> None:
    with pytest.raises(SafetyError, match=r"guard\.grace"):
        Guard(config.robot, config.guard.model_copy(update={"grace": 0.06}), config.agent.action_cycle_time)


events = st.lists(
    st.sampled_from(["command", "nan", "replay", "silence", "state", "gap", "arm", "disarm", "publishers", "run"]),
    max_size=30,
)


@settings(max_examples=60)
@given(events, st.booleans())
def test_no_history_clears_a_fault_or_moves_an_unarmed_arm(bench: MakeBench, history: list[str], auto: bool) -> None:
    arm = bench(auto_arm=auto)
    faulted = False
    for event in history:
        if event == "command":
            arm.send(MOVING)
        elif event == "nan":
            arm.send([math.nan] * 6)
        elif event == "replay":
            arm.guard.on_command(arm.time, arm.sequence, arm.names, MOVING)
        elif event == "state":
            arm.guard.on_joint_state(arm.time, arm.names[:3], [0.0] * 3)
        elif event in ("arm", "disarm"):
            getattr(arm.guard, event)(arm.time)
        elif event == "publishers":
            arm.guard.on_publishers(arm.time, 1 + len(history) % 2)
        elif event == "run":
            arm.cycles(60, command=MOVING)
        arm.cycles({"silence": 30, "gap": 5}.get(event, 1), states=event != "gap")
        arm.check()
        faulted |= arm.guard.fault is not None
        assert (arm.guard.state is State.FAULT) == faulted
        if arm.guard.state is not State.ARMED:
            assert np.all(np.abs(arm.velocity) <= np.abs(arm.previous) + 1e-12)


# Cost


def test_a_tick_is_cheap_and_keeps_its_memory(bench: MakeBench) -> None:
    arm = bench().armed()
    durations = []
    for i in range(500):
        arm.send([0.5 * math.sin(i), 0.5, -0.5, 0.5, -0.5, 0.0])
        arm.cycles(4)
        begin = time.perf_counter()
        velocity = arm.guard.tick(arm.time)
        durations.append(time.perf_counter() - begin)
        assert velocity is arm.guard.tick(arm.time)
    assert np.median(durations) < 0.5e-3  # a loaded machine; 30 us on an idle one
    tracemalloc.start()
    arm.cycles(200, command=MOVING)
    before = tracemalloc.get_traced_memory()[0]
    arm.cycles(2000, command=MOVING)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 20_000
