"""Publications of the agent over the real middleware."""

import time
from pathlib import Path

import rclpy
from rclpy.node import Node

from async_rl_core.config.load import resolve, write_config
from async_rl_interfaces.msg import Episode
from async_rl_ros import qos
from async_rl_ros.node import ConfiguredNode
from rl_agent_node.outputs import AgentOutputs

TIMEOUT = 30.0


def test_outputs_wait_until_a_subscriber_has_the_episodes(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    write_config(resolve("laptop"), config)
    rclpy.init(args=["--ros-args", "-p", f"config:={config}"])
    try:
        node, monitor = ConfiguredNode("rl_agent_node"), Node("monitor", use_global_arguments=False)
        received: list[int] = []
        monitor.create_subscription(
            Episode, "rl_agent_node/episode", lambda message: received.append(message.episode), qos.LATCHED_HISTORY
        )
        outputs = AgentOutputs(node, learns_here=False)
        end = time.monotonic() + TIMEOUT
        while not node.count_subscribers("rl_agent_node/episode") and time.monotonic() < end:
            rclpy.spin_once(monitor, timeout_sec=0.1)
        for episode in range(1, 4):
            outputs.episode(Episode(episode=episode))
        assert outputs.wait_until_received(TIMEOUT)
        node.destroy_node()  # the publisher is gone
        while len(received) < 3 and time.monotonic() < end:
            rclpy.spin_once(monitor, timeout_sec=0.1)
        assert received == [1, 2, 3]
        monitor.destroy_node()
    finally:
        rclpy.shutdown()
