"""Timers that go on whatever the wall clock does."""

from collections.abc import Callable

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.timer import Timer


def every(node: Node, seconds: float, callback: Callable[[], None]) -> Timer:
    """Call back so often, by the steady clock: the one that a node has by itself rests while the wall clock is back."""
    return node.create_timer(seconds, callback, clock=Clock(clock_type=ClockType.STEADY_TIME))
