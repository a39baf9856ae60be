import math
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from async_rl_core.config.schema import Config
from async_rl_core.errors import SafetyError
from async_rl_core.safety.guard import Guard
from async_rl_core.safety.states import FaultKind, GuardMode
from testing.guard_bench import GuardBench, until_rest

ZERO = [0.0] * 6
MOVING = [0.2, 0.2, -0.2, 0.2, 0.2, 0.0]
MakeBench = Callable[..., GuardBench]


# Arming


def test_guard_disarmed_sends_zeros_and_names_what_is_missing(config: Config, urdf: str) -> None:
    guard = Guard(config.robot, config.guard, config.agent.action_cycle_time)
    assert not np.any(guard.tick(0.0))
    armed, message = guard.arm(0.0)
    assert not armed
    for text in ("no fresh command", "no fresh joint_states", "no robot_description", "0 publishers on"):
        assert text in message
    assert guard.state is GuardMode.DISARMED


def test_guard_without_a_steady_agent_does_not_arm(bench: MakeBench) -> None:
    arm = bench()
    arm.cycles(1, command=ZERO)
    assert "only 1 commands" in arm.guard.missing(arm.time)[0]
    arm.armed()


def test_guard_without_auto_arm_is_armed_by_a_person(bench: MakeBench) -> None:
    arm = bench(auto_arm=False)
    arm.cycles(200, command=MOVING)
    assert arm.guard.state is GuardMode.DISARMED
    assert not np.any(arm.velocity)
    assert arm.guard.arm(arm.time) == (True, "armed")
    arm.cycles(50, command=MOVING)
    np.testing.assert_allclose(arm.velocity, MOVING)


def test_guard_with_a_joint_outside_its_limits_names_it(bench: MakeBench, config: Config) -> None:
    start = [*config.robot.start[:4], 0.0, config.robot.start[5]]
    arm = bench(start=start)
    arm.cycles(60, command=ZERO)
    assert arm.guard.missing(arm.time) == ["wrist_2_joint at 0.000 rad, limits [-2.356, -0.785]"]


def test_guard_disarmed_by_a_person_does_not_arm_itself(bench: MakeBench) -> None:
    arm = bench().armed()
    arm.cycles(50, command=MOVING)
    arm.guard.disarm(arm.time)
    assert arm.guard.state is GuardMode.STOPPING
    arm.cycles(50, command=MOVING)
    assert arm.guard.state is GuardMode.DISARMED
    assert not np.any(arm.velocity)
    assert arm.guard.arm(arm.time)[0]


def test_guard_suspended_comes_to_rest_and_does_not_arm(bench: MakeBench) -> None:
    arm = bench().armed()
    arm.cycles(50, command=MOVING)
    arm.guard.suspend(arm.time)
    assert arm.guard.state is GuardMode.STOPPING
    arm.cycles(100, command=MOVING)
    assert arm.guard.state is GuardMode.DISARMED
    assert not np.any(arm.velocity)
    armed, message = arm.guard.arm(arm.time)
    assert not armed and "the run is suspended; continue it with fg" in message
    arm.guard.resume()
    arm.cycles(50, command=MOVING)
    assert arm.guard.state is GuardMode.ARMED


def test_guard_resumed_keeps_a_persons_disarming_and_a_fault(bench: MakeBench) -> None:
    arm = bench().armed()
    arm.guard.disarm(arm.time)
    arm.guard.suspend(arm.time)
    arm.cycles(50, command=ZERO)
    arm.guard.resume()
    arm.cycles(50, command=ZERO)
    assert arm.guard.state is GuardMode.DISARMED
    arm.guard.fail(arm.time, "a fault")
    arm.guard.suspend(arm.time)
    arm.guard.resume()
    arm.cycles(50, command=ZERO)
    assert arm.guard.state is GuardMode.FAULT


# Silence


@pytest.mark.parametrize("phase", range(5))
def test_guard_with_a_silent_agent_stops_and_latches(bench: MakeBench, config: Config, phase: int) -> None:
    arm = bench().armed()
    arm.cycles(46 + phase, command=[0.7, 0.0, 0.0, 0.0, 0.0, 0.0])
    last = arm.time - (1 + phase % 5) * arm.cycle  # cycle 45 was the last with a command
    while arm.guard.fault is None:
        arm.cycles(1)
        arm.check()
        assert arm.time - last < 0.2
    assert arm.guard.fault.kind is FaultKind.AGENT_SILENT
    assert arm.guard.fault.cause.startswith("agent silent for 10")
    until_rest(arm)
    assert arm.time - last <= 0.14


@pytest.mark.parametrize("phase", range(5))
@pytest.mark.parametrize("cycles", [12, 30])
def test_guard_with_a_silent_agent_sends_zero_within_120_ms(
    bench: MakeBench, config: Config, phase: int, cycles: int
) -> None:
    """Promise 1: 0.12 s from the agent's last command, whenever between two commands it died."""
    arm = bench().armed()
    speed = config.robot.limits.velocity[0]
    arm.cycles(40 * (cycles > 12), command=[-speed, 0.0, 0.0, 0.0, 0.0, 0.0])
    arm.cycles(cycles - cycles % 5 + 1 + phase, command=[speed, 0.0, 0.0, 0.0, 0.0, 0.0])
    last = arm.time - (1 + phase) * arm.cycle
    while np.any(arm.velocity):
        arm.cycles(1)
        arm.check()
    assert arm.time - arm.cycle - last <= 0.113


def test_guard_without_joint_states_stops_the_arm(bench: MakeBench) -> None:
    arm = bench().armed()
    arm.cycles(50, command=MOVING)
    arm.cycles(20, states=False, command=MOVING)
    assert arm.guard.fault is not None
    assert arm.guard.fault.cause.startswith("joint_states silent for 10")
    until_rest(arm)


def test_guard_halted_beyond_the_watchdog_latches(bench: MakeBench) -> None:
    arm = bench().armed()
    arm.guard.on_halt(arm.time, 0.099)
    assert arm.guard.state is GuardMode.ARMED
    arm.guard.on_halt(arm.time, 0.101)
    assert arm.guard.state is GuardMode.FAULT
    assert arm.guard.fault is not None
    assert arm.guard.fault.cause == "the guard was halted for 101 ms"


def test_guard_with_one_lost_command_does_not_latch(bench: MakeBench) -> None:
    arm = bench().armed()
    arm.cycles(46, command=MOVING)
    arm.cycles(9)
    assert arm.guard.fault is None
    assert np.abs(arm.velocity).max() < 0.2  # past the grace it slows down
    arm.cycles(50, command=MOVING)
    np.testing.assert_allclose(arm.velocity, MOVING)


def test_guard_with_a_restarted_agent_needs_a_new_arming(bench: MakeBench) -> None:
    arm = bench(auto_arm=False)
    arm.cycles(60, command=ZERO)
    arm.guard.arm(arm.time)
    arm.cycles(50)
    assert arm.guard.state is GuardMode.FAULT
    assert arm.guard.reset_fault(arm.time)[0]
    arm.sequence = 0  # a new process counts from the beginning
    arm.cycles(60, command=ZERO)
    assert arm.guard.state is GuardMode.DISARMED
    assert arm.guard.arm(arm.time)[0]


# The robot's own status


@pytest.fixture
def driven(bench: MakeBench, config: Config, urdf: str) -> GuardBench:
    """A bench whose robot has a driver that reports its status."""
    arm = bench()
    arm.guard = Guard(config.robot, config.guard, config.agent.action_cycle_time, driven=True)
    arm.guard.on_description(urdf)
    arm.guard.on_publishers(0.0, 1)
    return arm


def test_guard_of_a_driven_robot_arms_only_when_it_is_ready(driven: GuardBench) -> None:
    driven.cycles(60, command=ZERO)
    assert driven.guard.missing(driven.time) == ["no fresh robot_status"]
    driven.guard.on_status(driven.time, False, "the safety mode is not NORMAL")
    assert driven.guard.missing(driven.time) == ["the robot is not ready: the safety mode is not NORMAL"]
    driven.guard.on_status(driven.time, True, "")
    driven.armed()


@pytest.mark.parametrize("cause", ["the program is not PLAYING", None])
def test_guard_of_a_robot_no_longer_ready_latches(driven: GuardBench, cause: str | None) -> None:
    driven.cycles(60, command=ZERO)
    driven.guard.on_status(driven.time, True, "")
    driven.cycles(50, command=MOVING)
    assert driven.guard.state is GuardMode.ARMED
    if cause:
        driven.guard.on_status(driven.time, False, cause)
    driven.cycles(70, command=MOVING)
    assert driven.guard.fault is not None
    assert driven.guard.fault.kind is FaultKind.NOT_READY
    assert (cause or "no fresh robot_status") in driven.guard.fault.cause
    until_rest(driven)
    driven.guard.on_status(driven.time, True, "")
    driven.cycles(100, command=MOVING)
    assert driven.guard.state is GuardMode.FAULT


# Faults


def test_guard_keeps_the_worst_fault_until_it_is_cleared(bench: MakeBench) -> None:
    arm = bench().armed()
    arm.cycles(50, command=MOVING)
    arm.cycles(14)
    assert arm.guard.fault is not None
    assert arm.guard.fault.kind is FaultKind.AGENT_SILENT
    assert not arm.guard.reset_fault(arm.time)[0] or not np.any(arm.velocity)
    arm.send([math.nan] * 6)
    arm.cycles(1000, command=ZERO)
    assert arm.guard.fault.kind is FaultKind.COMMAND
    assert not arm.guard.arm(arm.time)[0]
    assert "FAULT" in arm.guard.arm(arm.time)[1]
    assert arm.guard.reset_fault(arm.time) == (True, "fault cleared")
    assert arm.guard.fault is None


def test_guard_with_a_worse_fault_keeps_it(bench: MakeBench) -> None:
    arm = bench().armed()
    arm.guard.fail(arm.time, "the worst")
    arm.send([math.nan] * 6)
    assert arm.guard.fault is not None
    assert arm.guard.fault.cause == "the worst"


def test_reset_fault_while_the_arm_moves_is_refused(bench: MakeBench) -> None:
    arm = bench().armed()
    arm.cycles(50, command=MOVING)
    arm.guard.fail(arm.time, "a test")
    assert arm.guard.reset_fault(arm.time) == (False, "the arm is not at rest yet")
    until_rest(arm)
    assert arm.guard.reset_fault(arm.time) == (False, "the arm is not at rest yet")  # by its joint states
    arm.cycles(20)
    assert arm.guard.reset_fault(arm.time)[0]


def coasting(arm: GuardBench, cycles: int) -> None:
    """The arm keeps moving whatever is sent."""
    for _ in range(cycles):
        arm.position[0] += 0.1 * arm.cycle
        arm.cycles(1, command=ZERO)


def test_guard_of_an_arm_that_keeps_moving_is_neither_reset_nor_armed(bench: MakeBench) -> None:
    arm = bench(auto_arm=False)
    coasting(arm, 60)
    assert arm.guard.arm(arm.time) == (False, "not armed: the arm is not at rest")
    arm.guard.fail(arm.time, "a test")
    assert not arm.guard.reset_fault(arm.time)[0]
    arm.cycles(20)
    assert arm.guard.reset_fault(arm.time)[0]


def test_guard_with_a_value_that_is_not_finite_latches_and_brakes(bench: MakeBench) -> None:
    arm = bench().armed()
    arm.cycles(50, command=MOVING)
    arm.guard.commands.velocity[1] = math.nan
    arm.cycles(1)
    assert arm.guard.fault is not None
    assert arm.guard.fault.kind is FaultKind.GUARD
    assert "not finite" in arm.guard.fault.cause
    until_rest(arm)


def test_guard_with_too_long_a_stop_is_refused(config: Config) -> None:
    slow = config.robot.limits.model_copy(update={"acceleration": (0.3,) * 6, "stop_acceleration": (0.3,) * 6})
    robot = config.robot.model_copy(update={"limits": slow})
    with pytest.raises(SafetyError, match=r"a stop takes 2\.\d+ s .*, at most 2 s are allowed; lower the velocity"):
        Guard(robot, config.guard, config.agent.action_cycle_time)


def test_guard_with_too_long_a_grace_is_refused(config: Config) -> None:
    with pytest.raises(SafetyError, match=r"guard\.grace"):
        Guard(config.robot, config.guard.model_copy(update={"grace": 0.06}), config.agent.action_cycle_time)


events = st.lists(
    st.sampled_from(["command", "nan", "replay", "silence", "state", "gap", "arm", "disarm", "publishers", "run"]),
    max_size=30,
)


@settings(max_examples=60)
@given(events, st.booleans())
def test_guard_with_any_history_keeps_faults_and_moves_only_while_armed(
    bench: MakeBench, history: list[str], auto: bool
) -> None:
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
            arm.guard.on_joint_state(arm.time, 1, arm.names[:3], [0.0] * 3)
        elif event in ("arm", "disarm"):
            getattr(arm.guard, event)(arm.time)
        elif event == "publishers":
            arm.guard.on_publishers(arm.time, 1 + len(history) % 2)
        elif event == "run":
            arm.cycles(60, command=MOVING)
        arm.cycles({"silence": 30, "gap": 5}.get(event, 1), states=event != "gap")
        arm.check()
        faulted |= arm.guard.fault is not None
        assert (arm.guard.state is GuardMode.FAULT) == faulted
        if arm.guard.state is not GuardMode.ARMED:
            assert np.all(np.abs(arm.velocity) <= np.abs(arm.previous) + 1e-12)


# Cost


def test_tick_allocates_no_lasting_memory(bench: MakeBench) -> None:
    arm = bench().armed()
    for i in range(500):
        arm.send([0.5 * math.sin(i), 0.5, -0.5, 0.5, -0.5, 0.0])
        arm.cycles(4)
        assert arm.guard.tick(arm.time) is arm.guard.tick(arm.time)
    tracemalloc.start()
    arm.cycles(300, command=MOVING)  # what is kept for a while is all there by then
    before = tracemalloc.get_traced_memory()[0]
    arm.cycles(600, command=MOVING)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 20_000
