"""ROS stamps as integers, and timers on the steady clock."""

from collections.abc import Callable

from builtin_interfaces.msg import Time
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.timer import Timer


def nanoseconds(stamp: Time) -> int:
    """Returns a ROS time in nanoseconds, without loss of precision."""
    return int(stamp.sec) * 10**9 + int(stamp.nanosec)


def ros_time(stamp: int) -> Time:
    """Returns nanoseconds as a ROS time."""
    return Time(sec=stamp // 10**9, nanosec=stamp % 10**9)


def every(node: Node, seconds: float, callback: Callable[[], None]) -> Timer:
    """Calls `callback` periodically by the steady clock.

    A node's default timer stops after the wall clock was set back.
    """
    return node.create_timer(seconds, callback, clock=Clock(clock_type=ClockType.STEADY_TIME))
