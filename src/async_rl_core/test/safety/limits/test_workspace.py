"""The box and the sphere of the tool, and the motion along them."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_rl_core.config.robot import Sphere
from async_rl_core.config.schema import Config, RobotConfig
from async_rl_core.safety.kinematics import Kinematics
from async_rl_core.safety.limits.ramp import StopPath
from async_rl_core.safety.limits.surface import CORRECTION, LimitSurface, slide
from async_rl_core.safety.limits.workspace import WorkspaceLimit
from testing.guard_bench import GuardBench, Vector

MARGIN = 0.03
UP, RIGHT = np.array([0.0, 0.0, 0.1]), np.array([0.1, 0.0, 0.0])


@pytest.fixture
def zone(config: Config, kinematics: Kinematics) -> WorkspaceLimit:
    return WorkspaceLimit(config.robot.workspace, MARGIN, kinematics)


def with_workspace(robot: RobotConfig, **changes: object) -> RobotConfig:
    return robot.model_copy(update={"workspace": robot.workspace.model_copy(update=changes)})


def motion_of(arm: GuardBench, tool_velocity: Vector) -> list[float]:
    """The joint velocity that moves the tool so, with the last joint at rest."""
    motion: list[float] = [*(np.linalg.pinv(arm.kinematics.jacobian(arm.position)[:, :5]) @ tool_velocity), 0.0]
    return motion


def test_workspace_surfaces_are_the_derivative_of_the_gaps(zone: WorkspaceLimit, config: Config) -> None:
    rng = np.random.default_rng(0)
    q = np.array(config.robot.start)
    before = zone.surfaces(q.tolist())
    assert len(before) == 7
    for _ in range(5):
        velocity = rng.normal(size=6)
        after = zone.surfaces((q + 1e-6 * velocity).tolist())
        for a, b in zip(before, after, strict=True):
            assert (a.gap - b.gap) / 1e-6 == pytest.approx(a.row @ velocity, abs=1e-4)


def test_workspace_limit_admits_a_path_while_the_tool_is_inside(zone: WorkspaceLimit, config: Config) -> None:
    def path(end: float) -> StopPath:
        start = list(config.robot.start)
        ways = [[q] * 20 for q in start]
        ways[2] = np.linspace(start[2], end, 20).tolist()
        return StopPath(start, ways)

    assert zone.admits(path(1.6))
    assert not zone.admits(path(0.3))  # straight up


def test_guard_at_a_face_lets_the_tool_slide(bench: Callable[..., GuardBench]) -> None:
    arm = bench().armed()
    for _ in range(70):
        arm.cycles(5, command=motion_of(arm, UP))
    height = arm.kinematics.position(arm.position)[2]
    before = arm.kinematics.position(arm.position)[0]
    for _ in range(30):
        arm.cycles(5, command=motion_of(arm, UP + RIGHT))
        arm.check()
        assert arm.kinematics.position(arm.position)[2] == pytest.approx(height, abs=0.005)
    assert arm.kinematics.position(arm.position)[0] - before > 0.07
    assert arm.guard.output.limited["workspace"] > 0


def test_guard_at_the_sphere_lets_the_tool_slide(bench: Callable[..., GuardBench], config: Config) -> None:
    small = Sphere(center=(-0.1, 0.3, 0.6), radius=0.1)
    arm = bench(robot=with_workspace(config.robot, sphere=small)).armed()
    for _ in range(60):
        arm.cycles(5, command=motion_of(arm, UP))
        arm.check()
    start = arm.kinematics.position(arm.position)
    assert np.linalg.norm(start - small.center) > small.radius
    for _ in range(15):
        arm.cycles(5, command=motion_of(arm, UP + RIGHT))
        arm.check()
    way = arm.kinematics.position(arm.position) - start
    assert way[0] > 0.03  # and so, on a sphere, downwards
    assert arm.guard.output.limited["workspace"] > 0


def test_slide_outside_a_face_corrects_inwards(bench: Callable[..., GuardBench], config: Config) -> None:
    high = with_workspace(config.robot, lower=(-0.4, 0.1, 0.65))  # the start pose is below the box
    arm = bench(robot=high).armed()
    height = arm.kinematics.position(arm.position)[2]
    assert height < 0.65 - MARGIN
    for _ in range(10):
        arm.cycles(5, command=motion_of(arm, RIGHT))
    risen = arm.kinematics.position(arm.position)[2] - height
    assert 0.0 < risen <= CORRECTION * 50 * arm.cycle
    arm.cycles(10, command=[0.0] * 6)
    before = arm.position
    arm.cycles(20, command=[0.0] * 6)  # a correction of a motion, never a motion of its own
    assert np.all(arm.position == before)


vectors = st.lists(st.floats(-1.0, 1.0), min_size=6, max_size=6)


@given(vectors, st.lists(st.tuples(vectors, st.floats(-0.1, 0.5)), max_size=4))
def test_slide_makes_no_joint_faster(velocity: list[float], surfaces: list[tuple[list[float], float]]) -> None:
    bent = slide(velocity, [LimitSurface(np.array(row), gap) for row, gap in surfaces])
    assert max(map(abs, bent)) <= max(map(abs, velocity)) + 1e-12


@given(vectors, vectors, st.floats(0.01, 0.5))
def test_slide_away_from_a_surface_changes_nothing(velocity: list[float], row: list[float], gap: float) -> None:
    away = np.array(velocity) * -np.sign(np.dot(velocity, row) or 1.0)
    np.testing.assert_array_equal(slide(away.tolist(), [LimitSurface(np.array(row), gap)]), away)


def test_workspace_limit_outside_one_face_refuses_another(zone: WorkspaceLimit) -> None:
    admitted, refused = {2: -0.05}, {2: -0.05, 5: -0.02}
    assert zone._ratchet.admits(admitted, [admitted], 0.01)
    assert not zone._ratchet.admits(admitted, [refused], 0.01)


def test_workspace_limit_outside_the_box_keeps_the_largest_gap(config: Config, kinematics: Kinematics) -> None:
    large = with_workspace(config.robot, sphere=Sphere(center=(0.0, 0.0, 0.0), radius=5.0))
    zone = WorkspaceLimit(large.workspace, MARGIN, kinematics)
    above = [1.57, -1.6, 0.4, -2.8, -1.6, 3.1]
    further = [*above[:2], above[2] - 0.01, *above[3:]]

    def aside(q: list[float]) -> StopPath:
        return StopPath(q, [[q[0] + 0.01], *([angle] for angle in q[1:])])

    assert zone.admits(aside(further))
    assert zone.admits(aside(above))
    assert not zone.admits(aside(further))
    assert zone.admits(StopPath(further, [[angle] for angle in above]))
