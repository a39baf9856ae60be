"""Joint states that the agent can use, and the causes why it cannot."""

import math

import pytest

from async_rl_core.agent.joint_input import JointInput

JOINTS = ("a", "b")


@pytest.fixture
def joints() -> JointInput:
    return JointInput("joint_states", JOINTS)


def test_joint_input_state_in_any_order_is_read_by_name(joints: JointInput) -> None:
    state = joints.read(5.0, 1, ["x", "b", "a"], [9.0, 2.0, 1.0], [9.0, 0.2, 0.1])
    assert state is not None
    assert (state.position.tolist(), state.velocity.tolist(), state.received) == ([1.0, 2.0], [0.1, 0.2], 5.0)
    assert joints.problem == ""


@pytest.mark.parametrize(
    ("names", "position", "velocity", "problem"),
    [
        (["a"], [1.0], [1.0], "joint_states lacks ['b']; it has ['a']"),
        (["a", "b"], [1.0], [1.0, 1.0], "joint_states has 1 positions for 2 names"),
        (["a", "b"], [], [1.0, 1.0], "joint_states has 0 positions for 2 names"),
        (["a", "b"], [1.0, 1.0], [], "joint_states has no velocities, which the agent observes; let the robot's"),
        (["a", "b"], [1.0, 1.0], [1.0], "joint_states has 1 velocities for 2 names"),
        (["a", "b"], [1.0, 1.0], [1.0, math.nan], "joint_states has a velocity that is not finite: {'b': nan}"),
        (["a", "b"], [math.inf, 1.0], [1.0, 1.0], "joint_states has a position that is not finite: {'a': inf}"),
    ],
)
def test_joint_input_state_that_cannot_be_used_names_its_cause(
    joints: JointInput, names: list[str], position: list[float], velocity: list[float], problem: str
) -> None:
    assert joints.read(0.0, 1, names, position, velocity) is None
    assert joints.problem.startswith(problem)
    assert joints.read(0.1, 2, JOINTS, [1.0, 1.0], [0.0, 0.0]) is not None
    assert joints.problem == ""


def test_joint_input_state_with_the_last_stamp_is_not_used(joints: JointInput) -> None:
    assert joints.read(0.0, 7, JOINTS, [1.0, 1.0], [0.0, 0.0]) is not None
    assert joints.read(0.1, 7, JOINTS, [1.1, 1.0], [0.0, 0.0]) is None
    assert joints.problem.startswith("joint_states repeats its stamp 7")


def test_joint_input_state_of_another_device_changes_nothing(joints: JointInput) -> None:
    assert joints.read(0.0, 1, ["finger"], [], []) is None
    assert joints.problem == ""
    assert joints.read(0.0, 1, [], [], []) is None
    assert joints.read(0.1, 1, JOINTS, [1.0, 1.0], []) is None
    assert joints.read(0.2, 2, ["finger"], [0.04], [0.0]) is None
    assert "no velocities" in joints.problem
