"""The configuration as parameters of a node."""

import json

import pytest
import rclpy
from rclpy.parameter import Parameter

from async_rl_core.config.load import resolve
from async_rl_ros.parameters import declare_config


def test_declare_config_makes_every_setting_a_read_only_described_parameter() -> None:
    config = resolve("laptop", {"duration": None, "agent.action_cycle_time": 0.04})
    context = rclpy.Context()
    context.init()
    node = rclpy.create_node("tested", context=context)
    declare_config(node, config)
    assert node.get_parameter("agent.action_cycle_time").value == 0.04
    assert node.get_parameter("duration").value == ""
    assert list(node.get_parameter("robot.joints").value) == list(config.robot.joints)
    assert node.get_parameter("robot.limits.velocity").value[0] == config.robot.limits.velocity[0]
    assert json.loads(node.get_parameter("robot.bodies.close").value) == [
        list(pair) for pair in config.robot.bodies.close
    ]
    descriptor = node.describe_parameter("guard.watchdog")
    assert descriptor.read_only
    assert "seconds" in descriptor.description
    assert not node.set_parameters([Parameter("guard.watchdog", value=9.0)])[0].successful
    node.destroy_node()
    context.shutdown()


@pytest.mark.parametrize("robot", ["ur5", "panda", "fr3"])
def test_declare_config_accepts_every_robot(robot: str) -> None:
    context = rclpy.Context()
    context.init()
    node = rclpy.create_node("tested", context=context)
    declare_config(node, resolve("laptop", {}, robot))
    assert node.get_parameter("robot.name").value == robot
    node.destroy_node()
    context.shutdown()
