"""Choice of the robot_description."""

import re

import pytest

from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config, RobotConfig
from async_rl_core.errors import SafetyError
from async_rl_core.safety.inputs.description_input import DescriptionInput, digest, require_limits
from async_rl_core.sim.model import urdf_text


def scaled(urdf: str, factor: float) -> str:
    """The URDF with the origins of all joints scaled."""

    def scale(match: re.Match[str]) -> str:
        return match[1] + " ".join(str(factor * float(value)) for value in match[2].split()) + match[3]

    return re.sub(r'(<origin[^>]*xyz=")([^"]*)(")', scale, urdf)


@pytest.fixture
def taken(config: Config, urdf: str) -> DescriptionInput:
    found = DescriptionInput(config.robot, urdf)
    assert found.take(urdf)
    return found


@pytest.mark.parametrize("robot", ["ur5", "ur5e", "panda", "fr3"])
def test_description_of_each_robot_fits_its_file(robot: str) -> None:
    config = resolve("laptop", {}, robot).robot
    urdf = urdf_text(config)
    found = DescriptionInput(config, urdf)
    assert found.take(urdf.replace("<robot", "<!-- the same arm -->\n<robot", 1)), found.problem
    assert found.conflict() is None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda urdf: "", "robot_description is empty; waiting for another"),
        (lambda urdf: " \n", "is empty"),
        (lambda urdf: "not a URDF", "not well-formed XML"),
        (lambda urdf: urdf[: len(urdf) // 2], "not well-formed XML"),
        (lambda urdf: "\x00\ud800", "not well-formed XML"),
        (lambda urdf: urdf.replace("elbow_joint", "elbow"), "has no joint ['elbow_joint']"),
        (lambda urdf: urdf.replace("tool0", "tool9"), "has no link ['tool0']"),
        (lambda urdf: scaled(urdf, 0.93), "has the tool up to 5"),
        (lambda urdf: scaled(urdf, float("nan")), "robot_description"),
        (lambda urdf: " " * 2**25, "is empty"),
        (lambda urdf: urdf + " " * 2**25 + "<!-- -->", "characters"),
    ],
)  # fmt: skip
def test_description_that_does_not_fit_is_refused_and_another_taken(
    config: Config, urdf: str, change: object, problem: str
) -> None:
    found = DescriptionInput(config.robot, urdf)
    assert not found.take(change(urdf))  # type: ignore[operator]
    assert problem in found.problem
    assert "\n" not in found.problem
    assert (found.digest, found.kinematics) == ("", None)
    assert found.take(urdf)
    assert (found.digest, found.problem) == (digest(urdf), "")
    assert found.conflict() is None


def test_description_without_a_reference_is_not_compared_with_one(config: Config, urdf: str) -> None:
    assert DescriptionInput(config.robot).take(scaled(urdf, 0.93))


@pytest.mark.parametrize("other", ["", "<robot/>", "<!-- -->"])
def test_description_that_differs_from_the_first_is_a_conflict(taken: DescriptionInput, urdf: str, other: str) -> None:
    assert not taken.take(urdf)
    assert taken.conflict() is None
    assert not taken.take(urdf + other if other == "<!-- -->" else other)
    conflict = taken.conflict()
    assert conflict is not None and f"differs from {digest(urdf)}, which came first" in conflict
    assert taken.problem == conflict


def test_two_publishers_that_differ_are_a_conflict_whichever_comes_first(config: Config, urdf: str) -> None:
    found = DescriptionInput(config.robot, urdf)
    found.on_publishers(2)
    assert not found.take(scaled(urdf, 0.93))
    assert found.take(urdf)
    conflict = found.conflict()
    assert conflict is not None and conflict.startswith("2 publishers of robot_description send different ones")
    found.on_publishers(1)
    assert found.conflict() is None


def test_conflict_stays_where_the_first_is_not_the_robots_file(config: Config, urdf: str) -> None:
    for first, second, stays in ((urdf, scaled(urdf, 0.93), False), (urdf + "<!-- a driver's -->", urdf, True)):
        found = DescriptionInput(config.robot, urdf)
        assert found.take(first)
        found.on_publishers(2)
        assert not found.take(second)
        assert found.conflict() is not None
        found.on_publishers(1)
        assert (found.conflict() is not None) == stays


def test_two_publishers_that_agree_are_none(taken: DescriptionInput, urdf: str) -> None:
    taken.on_publishers(2)
    taken.take(urdf)
    assert taken.conflict() is None


@pytest.mark.parametrize(
    ("limit", "values", "problem"),
    [
        ("position_upper", {2: 3.2}, r"elbow_joint to \[-3.142, 3.142\] rad, .* \[0, 3.2\]"),
        ("position_lower", {0: -7.0}, r"shoulder_pan_joint to \[-6.283, 6.283\] rad, .* \[-7, 2.182\]"),
        ("velocity", {5: 3.6}, r"wrist_3_joint to .* rad/s, robot.limits.velocity to 3.6"),
    ],
)
def test_limits_beyond_those_of_the_description_are_refused(
    config: Config, urdf: str, limit: str, values: dict[int, float], problem: str
) -> None:
    require_limits(urdf, config.robot)
    changed = [values.get(i, value) for i, value in enumerate(getattr(config.robot.limits, limit))]
    limits = config.robot.limits.model_copy(update={limit: tuple(changed)})
    robot: RobotConfig = config.robot.model_copy(update={"limits": limits})
    with pytest.raises(SafetyError, match=problem):
        require_limits(urdf, robot)
    assert not DescriptionInput(robot, urdf).take(urdf)
