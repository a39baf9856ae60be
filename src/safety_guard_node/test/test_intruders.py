"""Other publishers and other descriptions, before the guard's process."""

import numpy as np
import pytest
from std_msgs.msg import Float64MultiArray

from async_rl_core.safety.inputs.description_input import digest
from async_rl_core.sim.model import urdf_text
from async_rl_interfaces.msg import GuardState, VelocityCommand
from async_rl_ros.qos import COMMAND

from .conftest import World


def test_node_with_a_second_publisher_latches(world: World) -> None:
    world.armed()
    world.node.create_publisher(Float64MultiArray, world.config.robot.command_topic, 10)
    world.until(world.is_in(GuardState.FAULT))
    assert world.state is not None
    assert "2 publishers" in world.state.cause


@pytest.mark.parametrize("armed", [True, False])
def test_node_with_a_burst_of_a_second_publisher_latches_in_every_state(world: World, armed: bool) -> None:
    world.armed()
    for _ in range(3):
        if not armed:
            assert world.call("disarm").success
            world.until(world.is_in(GuardState.DISARMED))
        intruder = world.node.create_publisher(Float64MultiArray, world.config.robot.command_topic, 10)
        world.until(lambda intruder=intruder: intruder.get_subscription_count() >= 2)  # guard and robot
        world.node.destroy_publisher(intruder)
        world.until(world.is_in(GuardState.FAULT))
        assert world.state is not None
        assert "2 publishers" in world.state.cause
        world.until(lambda: world.call("reset_fault").success)
        if armed:
            world.until(world.is_in(GuardState.ARMED))
    if armed:
        world.node.create_publisher(VelocityCommand, "rl_agent_node/command", COMMAND)
        world.until(world.is_in(GuardState.FAULT))
        assert world.state is not None
        assert "2 publishers on rl_agent_node/command while armed" in world.state.cause


def test_node_with_an_unfit_description_waits_for_another(world: World) -> None:
    urdf = urdf_text(world.config.robot)
    for text, problem in (
        ("", "robot_description is empty; waiting for another"),
        (urdf[:1000], "robot_description is not a URDF"),
        (urdf.replace("elbow_joint", "elbow"), "robot_description has no joint ['elbow_joint']; it has"),
    ):
        world.until(lambda: bool(world.received))
        world.describe(text)
        world.until(lambda problem=problem: problem in world.call("arm").message)
    world.armed()
    assert world.state is not None and world.state.description == digest(urdf)
    world.guard.kill()
    _, errors = world.guard.communicate()
    assert "Traceback" not in errors
    assert errors.count("robot_description is empty; waiting for another") == 1


def test_node_with_a_different_description_stops_and_does_not_arm(world: World) -> None:
    world.description = "0123456789abcdef"
    world.describe()
    world.until(lambda: "the agent uses robot_description 0123456789abcdef" in world.call("arm").message)
    world.description = digest(urdf_text(world.config.robot))
    world.until(world.is_in(GuardState.ARMED))
    world.describe(urdf_text(world.config.robot) + "<!-- another -->")
    world.until(world.is_in(GuardState.FAULT))
    assert world.state is not None
    assert "differs from" in world.state.cause
    assert world.call("reset_fault").success
    assert "differs from" in world.call("arm").message


def test_node_with_motion_while_disarmed_latches(world: World) -> None:
    world.armed()
    assert world.call("disarm").success
    world.until(world.is_in(GuardState.DISARMED))
    world.hear(0.6)
    assert world.is_in(GuardState.DISARMED)()
    world.pushed = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.05])
    world.until(world.is_in(GuardState.FAULT))
    assert world.state is not None
    assert "wrist_3_joint moved from 3.14" in world.state.cause
    assert "while zeros were sent" in world.state.cause
