"""An arm that moves further than commanded: another program commands it."""

import numpy as np
import pytest

from async_rl_core.config.catalogue import robots
from async_rl_core.config.load import resolve
from async_rl_core.safety.motion.following_watch import FollowingWatch
from async_rl_core.safety.states import FaultKind

from ..halted import CYCLE, HaltedGuard

BURST = 0.3
"""Seconds of another program's commands."""
FOREIGN = 0.6
"""rad/s."""
FASTER = 1.7
"""Multiple of the commanded speed, 0.4 rad/s, that another program gives a joint."""


@pytest.mark.parametrize("sign", [-1.0, 1.0])
@pytest.mark.parametrize("robot", robots())
def test_guard_whose_arm_another_program_moves_latches_a_fault_of_motion(robot: str, sign: float) -> None:
    bench = HaltedGuard(resolve("laptop", {}, robot))
    bench.intrude(sign * FOREIGN, BURST)
    assert bench.guard.fault is not None
    assert bench.guard.fault.kind is FaultKind.MOTION
    assert bench.guard.fault.cause.startswith(bench.robot.joints[-1])


@pytest.mark.parametrize("robot", robots())
def test_guard_whose_moving_joint_another_program_speeds_up_latches_a_fault_of_motion(robot: str) -> None:
    bench = HaltedGuard(resolve("laptop", {}, robot))
    bench.speed_up(FASTER, BURST)
    assert bench.guard.fault is not None
    assert bench.guard.fault.kind is FaultKind.MOTION


@pytest.mark.parametrize("noise", [0.0, 0.0002, 0.05])
def test_following_watch_of_an_arm_that_follows_or_lags_finds_nothing(noise: float) -> None:
    config = resolve("laptop", {})
    watch = FollowingWatch(config.robot, config.guard, holds=False)
    random = np.random.default_rng(1)
    position, velocity, now = np.array(config.robot.start), np.zeros(len(config.robot.joints)), 0.0
    for i in range(4000):
        if i % 5 == 0:
            velocity = random.uniform(-0.7, 0.7, len(velocity))
        watch.on_sent(now, velocity.tolist())
        position = position + velocity * CYCLE * (i // 100 % 2)  # every other time it rests
        now += CYCLE
        seen = position + random.uniform(-noise, noise, len(position))
        assert watch.judge(now, seen.tolist(), [0.67 * noise] * len(position)) is None
