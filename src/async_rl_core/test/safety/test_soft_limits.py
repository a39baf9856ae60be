"""The agent's soft limits, with the guard behind them."""

from collections.abc import Callable

import numpy as np
import pytest

from async_rl_core.agent.soft_limits import SoftLimits
from async_rl_core.config.schema import Config
from async_rl_core.safety.kinematics import Kinematics
from testing.guard_bench import GuardBench, Vector


@pytest.fixture
def soft(config: Config, kinematics: Kinematics) -> SoftLimits:
    return SoftLimits(config.robot, kinematics, config.agent.action_cycle_time)


def act(arm: GuardBench, soft: SoftLimits, wanted: Vector) -> None:
    """One action cycle."""
    arm.send(soft.shape(arm.position, wanted).tolist())
    arm.cycles(5)


@pytest.mark.parametrize("hold", [1, 10, 100])
def test_random_policy_stays_inside_without_the_guard(
    bench: Callable[..., GuardBench], soft: SoftLimits, config: Config, hold: int
) -> None:
    arm = bench().armed()
    rng = np.random.default_rng(hold)
    scale = config.agent.action_scale
    wanted = np.zeros(6)
    box = config.robot.workspace
    furthest = 0.0
    for i in range(1000):
        if i % hold == 0:
            wanted = np.append(rng.uniform(-scale, scale, 5), 0.0)
        act(arm, soft, wanted)
        arm.check()
        tool = arm.kinematics.position(arm.position)
        furthest = max(furthest, *(box.lower - tool), *(tool - box.upper))
    assert furthest < 0.01
    assert arm.guard.output.limited["workspace"] + arm.guard.output.limited["position"] <= 50  # of 5000 cycles


def test_random_policy_does_not_get_stuck(bench: Callable[..., GuardBench], soft: SoftLimits, config: Config) -> None:
    rng = np.random.default_rng(0)
    scale = config.agent.action_scale
    for corner in range(8):
        arm = bench().armed()
        push = scale * np.append(rng.choice([-1.0, 1.0], 5), 0.0)
        for _ in range(100):
            act(arm, soft, push)
        before, way = arm.position, 0.0
        for _ in range(50):
            act(arm, soft, np.append(rng.uniform(-scale, scale, 5), 0.0))
            way += float(np.abs(arm.position - before).max())
            before = arm.position
        assert way > 0.2, corner


def test_at_a_face_the_tool_slides_along_it(bench: Callable[..., GuardBench], soft: SoftLimits) -> None:
    arm = bench().armed()

    def tool_motion(velocity: list[float]) -> Vector:
        jacobian = arm.kinematics.jacobian(arm.position)
        motion: Vector = np.linalg.pinv(jacobian[:, :5]) @ np.array(velocity)
        return np.append(motion, 0.0)

    for _ in range(100):
        act(arm, soft, tool_motion([0.0, 0.0, 0.1]))
    start = arm.kinematics.position(arm.position)
    assert start[2] > 0.78
    for _ in range(15):
        act(arm, soft, tool_motion([0.1, 0.0, 0.1]))
    way = arm.kinematics.position(arm.position) - start
    assert way[0] > 0.04
    assert abs(way[2]) < 0.005


@pytest.mark.parametrize("seed", range(6))
def test_from_outside_the_arm_comes_back(
    bench: Callable[..., GuardBench], soft: SoftLimits, config: Config, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    limits = config.robot.limits
    q = np.array(config.robot.start)
    while soft.inside(q):
        q = rng.uniform(limits.position_lower, limits.position_upper)
    arm = bench(start=q.tolist()).armed()
    for _ in range(20 * 25):
        if soft.inside(arm.position):
            return
        act(arm, soft, np.zeros(6))
        assert np.abs(arm.velocity).max() <= 0.1 + 1e-9
    pytest.fail(f"still outside from {q}, at {arm.kinematics.position(arm.position)}")


def test_joint_beyond_its_limit_is_pushed_back(config: Config, soft: SoftLimits) -> None:
    q = np.array(config.robot.start)
    q[4] = config.robot.limits.position_upper[4] + 0.05
    velocity = soft.shape(q, np.zeros(6))
    assert velocity[4] == pytest.approx(-0.1)
    assert velocity[5] == 0.0
