"""The topics that the guard commands and judges by, and other publishers on them."""

import math
import time
from array import array
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray

from async_rl_core.safety.guard import Guard
from async_rl_core.safety.inputs.publisher_input import SHOWN
from async_rl_ros.qos import DRIVER, SENSOR

REMEMBERED = 64
"""Own commands with which messages on the command topic are compared."""


class PublisherCount:
    """Callback for a subscription's `matched` event; reports the number of publishers.

    A publisher that appeared and disappeared between two events is reported too, so no burst is missed. The changes in
    the event are not used: rclpy omits them in an event that came before its callback was set.
    """

    def __init__(self, on_count: Callable[[int], None]) -> None:
        self._on_count = on_count
        self._present = self._total = 0

    def __call__(self, event: Any) -> None:
        """Takes a QoSSubscriptionMatchedInfo."""
        appeared = event.total_count - self._total
        most = self._present + appeared if appeared > 0 else event.current_count
        self._present, self._total = event.current_count, event.total_count
        self._on_count(max(most, event.current_count))
        if most != event.current_count:
            self._on_count(event.current_count)


class CommandTopic:
    """Publishes the guard's velocities, and reports every other publisher and message on the topic to the guard.

    It subscribes to its own topic, so that the middleware reports each publisher when it appears.
    """

    def __init__(self, node: Node, topic: str, guard: Guard) -> None:
        self.message = Float64MultiArray()
        self._guard = guard
        self._sent: deque[bytes] = deque(maxlen=REMEMBERED)
        self._publisher = node.create_publisher(Float64MultiArray, topic, DRIVER)
        events = SubscriptionEventCallbacks(matched=PublisherCount(self._on_publishers))
        node.create_subscription(Float64MultiArray, topic, self._on_command, SENSOR, event_callbacks=events)

    def send(self, velocity: NDArray[np.float64]) -> None:
        """Publishes a velocity (n,) in rad/s."""
        data = velocity.tobytes()
        self._sent.append(data)  # before it can be received
        self.message.data = array("d", data)
        self._publisher.publish(self.message)

    def _on_command(self, message: Float64MultiArray) -> None:
        if message.data.tobytes() not in self._sent:
            self._guard.on_foreign_command(time.monotonic(), message.data)

    def _on_publishers(self, count: int) -> None:
        self._guard.on_publishers(time.monotonic(), count)


def subscribe(
    node: Node, guard: Guard, type_: type, topic: str, callback: Callable[[Any], None], profile: QoSProfile
) -> None:
    """Subscribes to a topic where a further publisher is a fault while the guard is armed."""

    def on_publishers(count: int) -> None:
        guard.on_input_publishers(time.monotonic(), topic, count)

    events = SubscriptionEventCallbacks(matched=PublisherCount(on_publishers))
    node.create_subscription(type_, topic, callback, profile, event_callbacks=events)


def velocity_problem(message: JointState) -> str:
    """Returns what the agent needs but a joint state lacks that the guard can use; empty where nothing."""
    if len(message.velocity) != len(message.name):
        return f"{len(message.velocity)} velocities for {len(message.name)} names, which the agent needs"
    if not math.isfinite(sum(message.velocity)):
        return f"a velocity is not finite, which the agent needs: {list(message.velocity)[:SHOWN]}"
    return ""
