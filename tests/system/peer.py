"""Process that publishes a number on the robot's command topic, or counts received numbers."""

import json
import sys
import time
from collections import Counter

import rclpy
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_msgs.msg import Float64MultiArray

from async_rl_ros.qos import DRIVER

TOPIC = "forward_velocity_controller/commands"
PERIOD = 0.0005


def say(node: Node, number: float, count: int) -> dict[str, int]:
    """Publishes `count` messages; returns the number sent."""
    publisher = node.create_publisher(Float64MultiArray, TOPIC, DRIVER)
    for _ in range(count):
        publisher.publish(Float64MultiArray(data=[number]))
        time.sleep(PERIOD)
    return {str(number): count}


def hear(node: Node, until: float, seconds: float) -> dict[str, int]:
    """Counts received numbers until one of them arrives or the time is over."""
    heard: Counter[str] = Counter()
    node.create_subscription(Float64MultiArray, TOPIC, lambda message: heard.update([str(message.data[0])]), DRIVER)
    print("listening", flush=True)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        rclpy.spin_once(node, timeout_sec=0.05)
        if str(until) in heard:
            break
    return dict(heard)


if __name__ == "__main__":
    rclpy.init()
    name, doing, number, count = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
    silent = [Parameter("start_type_description_service", value=False)]  # no service that it would need a right for
    peer = rclpy.create_node(name, start_parameter_services=False, parameter_overrides=silent)
    print(json.dumps(say(peer, number, int(count)) if doing == "say" else hear(peer, number, count)), flush=True)
