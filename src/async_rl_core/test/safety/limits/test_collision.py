"""Contacts and near contacts of the arm's bodies."""

from collections.abc import Callable

import numpy as np
import pytest

from async_rl_core.config.catalogue import robots
from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config, RobotConfig
from async_rl_core.errors import SafetyError
from async_rl_core.safety.guard import Guard
from async_rl_core.safety.limits.collision import CollisionLimit, GeometryError
from async_rl_core.safety.limits.ramp import StopPath
from async_rl_core.sim.model import urdf_text
from testing.guard_bench import GuardBench

MARGIN, CYCLE = 0.02, 0.008
FOLDED = [1.5707, -2.0, 2.8, -3.0415, -1.5707, 3.1415]
"""The elbow of a UR5 bent so far that its wrist is near the upper arm."""
LOW = [1.5707, -0.9, 1.9, -3.0415, -1.5707, 3.1415]
"""A UR5 with its wrist and tool near the table."""


@pytest.fixture(scope="module")
def bodies(wide: RobotConfig, urdf: str) -> CollisionLimit:
    return CollisionLimit(urdf, wide, MARGIN, CYCLE)


def with_bodies(robot: RobotConfig, **changes: object) -> RobotConfig:
    return robot.model_copy(update={"bodies": robot.bodies.model_copy(update=changes)})


def path(*poses: list[float]) -> StopPath:
    return StopPath(poses[0], [list(way) for way in zip(*poses[1:], strict=True)])


def between(a: list[float], b: list[float], steps: int) -> list[list[float]]:
    return [[p + (q - p) * i / steps for p, q in zip(a, b, strict=True)] for i in range(steps + 1)]


def test_collision_limit_refuses_a_path_past_another_body(bodies: CollisionLimit, wide: RobotConfig) -> None:
    start = list(wide.start)
    through = [*start[:2], 3.1, *start[3:]]  # the forearm folded onto the upper arm
    assert bodies.admits(path(*between(start, [*start[:2], 2.0, *start[3:]], 20)))
    assert not bodies.admits(path(*between(start, through, 100)))


def test_collision_limit_of_a_near_pair_admits_only_separation(bodies: CollisionLimit) -> None:
    near = FOLDED
    assert bodies.near(near)
    closer, apart = [*near], [*near]
    closer[2] += 0.004
    apart[2] -= 0.004
    assert bodies.admits(path(near, near))
    assert not bodies.admits(path(near, closer))
    assert bodies.admits(path(near, apart))


def test_collision_limit_of_a_near_pair_keeps_its_largest_distance(wide: RobotConfig, urdf: str) -> None:
    bodies = CollisionLimit(urdf, wide, MARGIN, CYCLE)
    closer = [*FOLDED[:2], FOLDED[2] + 0.004, *FOLDED[3:]]

    def aside(q: list[float]) -> StopPath:
        return path(q, [q[0] + 0.01, *q[1:]])

    assert bodies.admits(aside(closer))
    assert bodies.admits(aside(FOLDED))
    assert not bodies.admits(aside(closer))
    assert bodies.admits(path(closer, FOLDED))
    assert bodies.admits(aside(list(wide.start)))  # clear again
    assert bodies.admits(aside(closer))


def test_collision_surfaces_are_the_derivative_of_the_gaps(bodies: CollisionLimit) -> None:
    rng = np.random.default_rng(0)
    for pose in (FOLDED, LOW):
        surfaces = bodies.surfaces(pose)
        assert surfaces
        for _ in range(5):
            velocity = rng.normal(size=6)
            moved = bodies.surfaces((np.array(pose) + 1e-4 * velocity).tolist())
            assert len(moved) == len(surfaces)
            for before, after in zip(surfaces, moved, strict=True):
                assert (before.gap - after.gap) / 1e-4 == pytest.approx(before.row @ velocity, abs=0.01)


@pytest.mark.parametrize("command", [[0.0, 0.0, 0.8, 0.0, 0.0, 0.0], [0.3, -0.2, 0.8, 0.4, 0.3, 0.0]])
def test_guard_keeps_the_links_apart(bench: Callable[..., GuardBench], wide: RobotConfig, command: list[float]) -> None:
    arm = bench(robot=wide).armed()
    for _ in range(100):
        arm.cycles(5, command=command)
        arm.check()
    assert arm.guard.output.limited["collision"] > 20
    assert arm.guard.fault is None


def test_guard_keeps_every_link_off_the_table(bench: Callable[..., GuardBench], wide: RobotConfig) -> None:
    arm = bench(robot=wide).armed()
    lowest = 1.0
    for _ in range(150):
        arm.cycles(5, command=[0.0, 0.4, 0.0, 0.0, 0.0, 0.0])
        arm.check()
        lowest = min(lowest, arm.contacts.lowest(arm.position))
    assert arm.guard.output.limited["collision"] > 20
    assert MARGIN - 0.008 < lowest < 0.1


def test_guard_lets_the_arm_slide_along_the_table(bench: Callable[..., GuardBench], wide: RobotConfig) -> None:
    arm = bench(robot=wide).armed()
    for _ in range(80):
        arm.cycles(5, command=[0.0, 0.4, 0.0, 0.0, 0.0, 0.0])
    before = arm.position[0]
    for _ in range(20):
        arm.cycles(5, command=[0.3, 0.4, 0.0, 0.0, 0.0, 0.0])
        arm.check()
    assert arm.position[0] - before > 0.15


@pytest.mark.parametrize("robot", robots())
def test_collision_limit_reads_every_robots_bodies(robot: str) -> None:
    config = resolve("laptop", {}, robot)
    bodies = CollisionLimit(urdf_text(config.robot), config.robot, config.guard.collision_margin, CYCLE)
    assert any(name.endswith("and tool") or name.startswith("tool and") for name in bodies.judged)
    assert any(name.endswith("and table") for name in bodies.judged)
    neighbours = zip(config.robot.bodies.close, strict=False)
    assert not any(f"{a} and {b}" in bodies.judged for ((a, b),) in neighbours)


@pytest.mark.parametrize("robot", robots())
def test_collision_limit_of_every_robot_has_no_pair_that_is_often_near(robot: str) -> None:
    """A pair that is near in many poses is so by design and belongs into `bodies.close`."""
    config = resolve("laptop", {}, robot)
    bodies = CollisionLimit(urdf_text(config.robot), config.robot, config.guard.collision_margin, CYCLE)
    limits, rng = config.robot.limits, np.random.default_rng(0)
    poses = rng.uniform(limits.position_lower, limits.position_upper, (200, len(config.robot.joints)))
    near = [bodies.judged[i] for pose in poses for i in bodies.near(pose.tolist())]
    often = {name for name in near if near.count(name) > 40 and "table" not in name}
    assert not often


def with_base_link_inertia(urdf: str) -> str:
    """A description as UR's own is made: no shape on base_link, its mesh on a link that is fixed to it."""
    moved = '<joint name="base_link-base_link_inertia" type="fixed"><parent link="base_link"/>'
    moved += '<child link="base_link_inertia"/></joint><link name="base_link_inertia">'
    changed = urdf.replace('<link name="base_link">', f'<link name="base_link"/>{moved}')
    assert changed.count("base_link_inertia") == 3
    return changed


def test_collision_limit_resolves_a_link_without_a_shape_to_fixed_links(config: Config, urdf: str) -> None:
    usual = CollisionLimit(urdf, config.robot, MARGIN, CYCLE)
    bodies = CollisionLimit(with_base_link_inertia(urdf), config.robot, MARGIN, CYCLE)
    assert "base_link_inertia and forearm_link" in bodies.judged
    assert [words.replace("base_link_inertia", "base_link") for words in bodies.judged] == usual.judged
    empty = (*config.robot.bodies.close, ("base", "tool"))  # nothing is fixed to that one
    assert CollisionLimit(urdf, with_bodies(config.robot, close=empty), MARGIN, CYCLE).judged == usual.judged


def test_guard_accepts_urs_own_description(config: Config, urdf: str) -> None:
    guard = Guard(config.robot, config.guard, config.agent.action_cycle_time)
    guard.on_description(with_base_link_inertia(urdf))
    assert not guard.output.collisions_unjudged
    assert "no robot_description" not in "; ".join(guard.missing(0.0))


def test_guard_with_a_description_without_shapes_judges_everything_else(config: Config, urdf: str) -> None:
    guard = Guard(config.robot, config.guard, config.agent.action_cycle_time)
    guard.on_description(urdf.replace("/collision/forearm.stl", "/collision/lost.stl"))
    assert "lost.stl" in guard.output.collisions_unjudged
    assert "no robot_description" not in "; ".join(guard.missing(0.0))


@pytest.mark.parametrize(
    ("changes", "margin", "text"),
    [
        ({"close": (("elbow", "table"),)}, MARGIN, r"no body \['elbow'\]; it has"),
        ({"close": ()}, MARGIN, "start pose, closer than .* base_link and upper_arm_link"),
        ({"tool_radius": 0.2}, MARGIN, "forearm_link and tool"),
        ({}, 0.005, "collision_margin of 0.005 m is too small"),
    ],
)
def test_collision_limit_with_unusable_bodies_is_refused(
    config: Config, urdf: str, changes: dict[str, object], margin: float, text: str
) -> None:
    with pytest.raises(SafetyError, match=text) as error:
        CollisionLimit(urdf, with_bodies(config.robot, **changes), margin, CYCLE)
    assert not isinstance(error.value, GeometryError)
