"""No sequence of commands violates a limit, on an arm that follows exactly."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from async_rl_core.config.schema import Config
from async_rl_core.errors import SafetyError
from async_rl_core.safety.limits.limit_filter import LimitFilter
from testing.guard_bench import GuardBench

JOINTS = 6
velocity = st.lists(st.floats(-3.9, 3.9), min_size=JOINTS, max_size=JOINTS)
extreme = st.lists(st.sampled_from([-3.9, -2.0, 0.0, 2.0, 3.9]), min_size=JOINTS, max_size=JOINTS)
motion = st.tuples(velocity | extreme, st.integers(1, 25))


@settings(max_examples=30)
@given(st.lists(motion, min_size=1, max_size=12))
def test_limit_filter_with_any_commands_keeps_every_limit(
    bench: Callable[..., GuardBench], motions: list[tuple[list[float], int]]
) -> None:
    arm = bench().armed()
    for command, cycles in motions:
        arm.send(command)
        for _ in range(cycles):
            arm.cycles(1)
            arm.check()
        assert arm.guard.fault is None or "silent" in arm.guard.fault.cause


def test_limit_filter_with_joint_states_a_cycle_old_keeps_every_limit(
    bench: Callable[..., GuardBench], config: Config
) -> None:
    limits, margin = config.robot.limits, config.guard.position_margin
    arm = bench()
    arm.delay = 1
    arm.armed()
    rng = np.random.default_rng(1)
    for _ in range(30):
        command = rng.uniform(-4, 4, JOINTS).tolist()
        for _ in range(10):
            arm.send(command)
            for _ in range(5):
                arm.cycles(1)
                arm.check()
            assert np.all(arm.position >= np.array(limits.position_lower) + margin)
            assert np.all(arm.position <= np.array(limits.position_upper) - margin)
    assert arm.guard.fault is None


@pytest.mark.parametrize("delay", [0.0, 0.4, 1.0, 6.0])
def test_position_predictor_adds_the_velocities_sent_since(config: Config, delay: float) -> None:
    limits, rng, cycle = LimitFilter(config.robot, config.guard, []), np.random.default_rng(1), 0.008
    positions = [np.array(config.robot.start)]
    for _ in range(100):
        limits.follow(rng.uniform(-0.5, 0.5, JOINTS).tolist(), positions[-1].tolist(), 0.0)
        positions.append(positions[-1] + limits.velocity * cycle)
    whole, part = int(delay), delay % 1.0
    then = positions[-1 - whole] - part * (positions[-1 - whole] - positions[-2 - whole])
    np.testing.assert_allclose(limits._predictor._after(then.tolist(), delay), positions[-1], atol=1e-12)


def test_limit_filter_inside_the_limits_changes_no_command(bench: Callable[..., GuardBench]) -> None:
    arm = bench().armed()
    wanted = [0.05, -0.05, 0.05, -0.05, 0.05, 0.0]
    arm.cycles(25, command=wanted)
    np.testing.assert_allclose(arm.velocity, wanted)
    assert not arm.guard.output.limited


def test_limit_filter_at_a_joint_limit_lets_no_noise_accumulate(
    bench: Callable[..., GuardBench], config: Config
) -> None:
    arm = bench()
    arm.noise = 0.0002
    arm.armed()
    arm.cycles(400, command=[0.0, 0.0, 0.0, 0.0, 0.0, 0.5])
    reached = arm.position[5]
    arm.cycles(1000, command=[0.0, 0.0, 0.0, 0.0, 0.0, 0.002])
    assert arm.position[5] < reached + 0.001
    assert arm.position[5] < config.robot.limits.position_upper[5] - config.guard.position_margin + 0.0005
    arm.cycles(50, command=[0.0, 0.0, 0.0, 0.0, 0.0, -0.1])
    assert arm.position[5] < reached - 0.02


def test_limit_filter_outside_the_box_admits_only_motion_back(bench: Callable[..., GuardBench], config: Config) -> None:
    above = [1.57, -1.6, 0.4, -2.8, -1.6, 3.1]
    arm = bench(start=above).armed()
    tool = arm.kinematics.position(arm.position)
    upwards = np.linalg.pinv(arm.kinematics.jacobian(arm.position)) @ np.array([0.0, 0.0, 0.2])
    assert tool[2] > config.robot.workspace.upper[2] + config.guard.workspace_margin
    arm.cycles(50, command=upwards.tolist())
    assert arm.kinematics.position(arm.position)[2] <= tool[2] + 1e-6
    arm.cycles(50, command=(-upwards).tolist())
    assert arm.kinematics.position(arm.position)[2] < tool[2] - 0.02


@pytest.mark.parametrize("outwards", [0.5, 1e-7])  # the second is a nanoradian a cycle
def test_limit_filter_outside_a_joint_limit_admits_only_motion_back(config: Config, outwards: float) -> None:
    limits = LimitFilter(config.robot, config.guard, [])
    q = [*config.robot.start[:2], config.robot.limits.position_upper[2] + 0.1, *config.robot.start[3:]]
    for _ in range(20):
        limits.follow([0.0, 0.0, outwards, 0.0, 0.0, 0.0], q, 0.0)
        assert limits.velocity[2] == 0.0
    for _ in range(20):
        limits.follow([0.0, 0.0, -0.5, 0.0, 0.0, 0.0], q, 0.0)
    assert limits.velocity[2] == -0.5


def test_limit_filter_without_a_possible_stop_is_refused(config: Config) -> None:
    weak = config.robot.limits.model_copy(update={"stop_acceleration": (1.0,) * JOINTS})
    with pytest.raises(SafetyError, match="stop_acceleration"):
        LimitFilter(config.robot.model_copy(update={"limits": weak}), config.guard, [])
