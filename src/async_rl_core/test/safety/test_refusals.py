"""Commands and joint states that no working agent or robot sends: each latches a fault."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from async_rl_core.safety.states import FaultKind, GuardMode
from testing.guard_bench import GuardBench, until_rest

ZERO = [0.0] * 6
MOVING = [0.2, 0.2, -0.2, 0.2, 0.2, 0.0]
MakeBench = Callable[..., GuardBench]

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


@settings(max_examples=60)
@given(malformed)
def test_malformed_commands_never_pass_and_latch(bench: MakeBench, case: tuple[str, object, object]) -> None:
    arm = bench().armed()
    arm.cycles(70, command=MOVING)
    names, velocity = broken(*case, arm.names)
    sequence = min(int(case[1]), arm.sequence) if case[0] == "sequence" else arm.sequence + 1  # type: ignore[call-overload]
    refused = arm.guard.commands.refused
    assert not arm.guard.on_command(arm.time, sequence, names, velocity)
    assert arm.guard.commands.refused == refused + 1
    assert arm.guard.state is GuardMode.FAULT
    assert arm.guard.fault is not None
    assert str(sequence) in arm.guard.fault.cause
    until_rest(arm)
    arm.cycles(30, command=MOVING)  # good commands do not heal it
    assert arm.guard.state is GuardMode.FAULT
    assert not np.any(arm.velocity)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_malformed_commands_latch_before_arming_too(bench: MakeBench, value: float) -> None:
    arm = bench()
    arm.send([value, *ZERO[1:]])
    assert arm.guard.state is GuardMode.FAULT
    arm.cycles(100, command=ZERO)
    assert arm.guard.state is GuardMode.FAULT


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
    assert not arm.guard.on_joint_state(arm.time, arm.sequence + 1, arm.names[names], angles)
    assert arm.guard.fault is not None
    assert text in arm.guard.fault.cause
    until_rest(arm)


def test_a_second_publisher_latches(bench: MakeBench) -> None:
    arm = bench().armed()
    arm.guard.on_publishers(arm.time, 2)
    assert arm.guard.fault is not None
    assert "2 publishers on forward_velocity_controller/commands" in arm.guard.fault.cause


def test_a_jump_of_a_joint_latches(bench: MakeBench) -> None:
    arm = bench().armed()
    arm.cycles(50, command=MOVING)
    arm.position[3] += 0.1
    arm.cycles(1, command=MOVING)
    assert arm.guard.fault is not None
    assert arm.guard.fault.kind is FaultKind.ROBOT
    assert "has wrist_1_joint jump from" in arm.guard.fault.cause
    until_rest(arm)


def test_frozen_joint_states_latch(bench: MakeBench) -> None:
    arm = bench().armed()
    arm.cycles(50, command=MOVING)
    frozen, stamp = arm.position.tolist(), round(1e9 * arm.time)
    while arm.guard.fault is None:
        arm.cycles(1, states=False, command=MOVING if arm.sequence % 5 == 0 else None)
        arm.send(MOVING)
        arm.guard.on_joint_state(arm.time, stamp, arm.names, frozen)
        arm.check()
    assert arm.guard.fault.kind is FaultKind.ROBOT_SILENT
    assert "repeats its stamp" in arm.guard.fault.cause
    until_rest(arm)
