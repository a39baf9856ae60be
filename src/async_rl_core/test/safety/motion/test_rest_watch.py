"""An arm that moves while zeros are sent."""

from collections.abc import Callable

import numpy as np
import pytest

from async_rl_core.config.schema import Config
from async_rl_core.safety.inputs.status_input import StatusInput
from async_rl_core.safety.motion.rest_watch import RestWatch
from async_rl_core.safety.states import FaultKind, GuardMode
from testing.guard_bench import GuardBench

CYCLE = 0.008


class Arm:
    """An arm that is commanded to rest, and its joint states."""

    def __init__(self, config: Config) -> None:
        self.watch = RestWatch(config.robot)
        self.random = np.random.default_rng(1)
        self.position = np.array(config.robot.start)
        self.now = 5.0

    def stand(self, seconds: float, speed: float = 0.0, noise: float = 0.0, resting: bool = True) -> str | None:
        """Lets time pass. Returns the first finding, or None."""
        for _ in range(round(seconds / CYCLE)):
            self.now += CYCLE
            self.position[3] += speed * CYCLE
            self.watch.on_state(self.now, (self.position + noise * self.random.standard_normal(6)).tolist())
            if (said := self.watch.judge(self.now, resting)) is not None:
                return said
        return None


@pytest.fixture
def arm(config: Config) -> Arm:
    return Arm(config)


@pytest.mark.parametrize("speed", [0.005, -0.05, 0.8])
def test_rest_watch_names_a_joint_that_moves_fast_or_slowly(arm: Arm, speed: float) -> None:
    assert arm.stand(1.0) is None
    said = arm.stand(6.0, speed)
    assert said is not None and said.startswith("wrist_1_joint moved from -3.04")


@pytest.mark.parametrize("noise", [0.0, 0.001, 0.01, 0.05, 0.1])
def test_rest_watch_with_noise_finds_nothing(arm: Arm, noise: float) -> None:
    assert arm.stand(60.0, noise=noise) is None


def test_rest_watch_before_the_arm_is_at_rest_finds_nothing(arm: Arm) -> None:
    for _ in range(5):
        assert arm.stand(1.0, 0.5, resting=False) is None
        assert arm.stand(0.2, 0.1) is None  # it is still stopping
        assert arm.stand(2.0) is None


def test_rest_watch_after_motion_while_inactive_finds_nothing(arm: Arm) -> None:
    assert arm.stand(1.0) is None
    arm.position += 0.5
    arm.now += 10.0
    arm.watch.judge(arm.now, False)  # no joint states came meanwhile
    assert arm.stand(3.0) is None


@pytest.mark.parametrize("state", [GuardMode.DISARMED, GuardMode.ARMED, GuardMode.FAULT])
def test_guard_with_motion_while_zeros_are_sent_latches_in_every_state(
    bench: Callable[..., GuardBench], state: GuardMode
) -> None:
    arm = bench(auto_arm=False) if state is GuardMode.DISARMED else bench().armed()
    if state is GuardMode.FAULT:
        arm.send([float("nan")] * 6)
    arm.cycles(60, command=[0.0] * 6)
    assert arm.guard.state is state
    for _ in range(125):
        arm.position[5] -= 0.05 * arm.cycle
        arm.cycles(1, command=[0.0] * 6)
    assert arm.guard.fault is not None and arm.guard.fault.kind is FaultKind.MOTION
    assert "wrist_3_joint moved from 3.14" in arm.guard.fault.cause
    arm.cycles(100, command=[0.0] * 6)
    assert arm.guard.reset_fault(arm.time)[0]
    arm.cycles(100, command=[0.0] * 6)
    assert arm.guard.fault is None


def test_guard_with_a_robot_that_is_not_ready_permits_guiding(bench: Callable[..., GuardBench]) -> None:
    arm = bench()
    arm.guard._status = StatusInput(True)
    for ready in (False, True):
        for i in range(250):
            if i % 10 == 0:
                arm.guard.on_status(arm.time, ready, "freedrive")
            arm.position[5] -= 0.05 * arm.cycle
            arm.cycles(1)
        assert (arm.guard.fault is not None) == ready
