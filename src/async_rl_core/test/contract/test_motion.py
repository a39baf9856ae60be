"""Motion of an arm under agent and guard: to its start pose from anywhere, within its limits."""

import numpy as np
import pytest

from async_rl_core.config.schema import Config
from async_rl_core.safety.kinematics import Kinematics
from async_rl_core.safety.states import GuardMode

from .conftest import Rig, Vector

POSES = 50
CLEARANCE = 0.03
"""rad kept from the joint limits, of which the guard keeps `guard.position_margin` free."""


def poses(config: Config, kinematics: Kinematics, seed: int) -> list[Vector]:
    """Random poses inside the joint limits with the tool inside its workspace."""
    rng = np.random.default_rng(seed)
    limits = config.robot.limits
    lower, upper = np.array(limits.position_lower) + CLEARANCE, np.array(limits.position_upper) - CLEARANCE
    found: list[Vector] = []
    while len(found) < POSES:
        pose = rng.uniform(lower, upper)
        if outside(config, kinematics, pose) <= 0.0:
            found.append(pose)
    return found


def outside(config: Config, kinematics: Kinematics, pose: Vector) -> float:
    """Metres by which the tool is out of its box, along the worst axis; negative inside."""
    tool, workspace = kinematics.position(pose), config.robot.workspace
    return float(np.max([np.array(workspace.lower) - tool, tool - np.array(workspace.upper)]))


def test_reset_from_anywhere_ends_at_the_start_pose_without_leaving_the_workspace(rig: Rig, config: Config) -> None:
    start = np.array(config.robot.start)
    lower, upper = np.array(config.robot.limits.position_lower), np.array(config.robot.limits.position_upper)
    for pose in poses(config, rig.kinematics, seed=5):
        rig.stand(pose)
        for position in rig.cycles(10.0):
            assert outside(config, rig.kinematics, position) < 1e-3
            assert (position > lower).all() and (position < upper).all()
            if rig.episode_runs:
                break
        assert rig.episode_runs, f"from {pose} it got to {rig.arm.position}: {rig.guard.fault}"
        np.testing.assert_allclose(rig.arm.position, start, atol=0.02)


def test_a_silent_agent_is_a_smooth_stop(rig: Rig, config: Config) -> None:
    rig.stand(poses(config, rig.kinematics, seed=1)[0])
    now = -rig.cycle
    for _ in rig.cycles(1.0):
        now += rig.cycle
        if np.abs(rig.arm.velocity).max() > 0.2:
            break
    before = rig.arm.velocity
    stop = np.array(config.robot.limits.stop_acceleration)
    for _ in range(100):
        now += rig.cycle
        rig.guard.on_joint_state(now, round(1e9 * now), config.robot.joints, rig.arm.position.tolist())
        rig.arm.command(rig.guard.tick(now))
        rig.arm.step(rig.cycle)
        assert (np.abs(rig.arm.velocity - before) <= 1.3 * stop * rig.cycle).all()
        before = rig.arm.velocity
    assert rig.arm.at_rest
    assert rig.guard.state is GuardMode.FAULT


@pytest.mark.parametrize("names", [("a",), ()])
def test_a_malformed_command_stops_it(rig: Rig, config: Config, names: tuple[str, ...]) -> None:
    rig.stand(np.array(config.robot.start))
    assert not rig.guard.on_command(0.0, 1, names, [0.1] * len(config.robot.joints))
    assert rig.guard.state is GuardMode.FAULT
    assert not rig.guard.tick(0.0).any()
