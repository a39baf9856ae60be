import re

import numpy as np
import pytest

from async_rl_core.config.schema import Config
from async_rl_core.errors import SafetyError
from async_rl_core.safety.kinematics import Kinematics


def test_position_of_the_start_pose_is_the_tools(config: Config, kinematics: Kinematics) -> None:
    np.testing.assert_allclose(kinematics.position(np.array(config.robot.start)), (-0.109, 0.296, 0.609), atol=1e-3)


def test_jacobian_is_the_derivative_of_the_position(config: Config, kinematics: Kinematics) -> None:
    q = np.array(config.robot.start) + 0.1
    jacobian = kinematics.jacobian(q)
    for i in range(6):
        step = np.eye(6)[i] * 1e-6
        difference = (kinematics.position(q + step) - kinematics.position(q - step)) / 2e-6
        np.testing.assert_allclose(jacobian[:, i], difference, atol=1e-8)


def test_kinematics_takes_joints_in_the_callers_order(config: Config, urdf: str, kinematics: Kinematics) -> None:
    robot = config.robot
    shuffled = Kinematics(urdf, robot.state_joints, robot.workspace.frame, robot.tool_frame)
    q = np.array(robot.start) + 0.1
    order = [robot.joints.index(joint) for joint in robot.state_joints]
    np.testing.assert_allclose(shuffled.position(q[order]), kinematics.position(q))
    np.testing.assert_allclose(shuffled.jacobian(q[order]), kinematics.jacobian(q)[:, order])


def test_kinematics_has_its_origin_in_the_base_frame(config: Config, urdf: str, kinematics: Kinematics) -> None:
    origin = re.compile(r'(<joint name="world_joint" type="fixed">.*?)<origin [^>]*/>', re.S)
    moved = origin.sub(r'\1<origin rpy="0 0 1.2" xyz="1 2 3"/>', urdf)
    assert moved != urdf
    robot = config.robot
    other = Kinematics(moved, robot.joints, robot.workspace.frame, robot.tool_frame)
    q = np.array(robot.start)
    np.testing.assert_allclose(other.position(q), kinematics.position(q), atol=1e-12)
    np.testing.assert_allclose(other.jacobian(q), kinematics.jacobian(q), atol=1e-12)


def test_kinematics_with_a_missing_name_is_refused(config: Config, urdf: str) -> None:
    robot = config.robot
    with pytest.raises(SafetyError, match=r"no joint \['elbow'\]; it has .*elbow_joint"):
        Kinematics(urdf, [*robot.joints, "elbow"], "base_link", "tool0")
    with pytest.raises(SafetyError, match=r"no link \['tcp'\]; it has .*tool0"):
        Kinematics(urdf, robot.joints, "base_link", "tcp")
    with pytest.raises(SafetyError, match="moves with 'elbow_joint'"):
        Kinematics(urdf, robot.joints, "forearm_link", "tool0")
    with pytest.raises(SafetyError, match="not a URDF"):
        Kinematics("<robot", robot.joints, "base_link", "tool0")
