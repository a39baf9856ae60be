"""Stamps, and timers of a node whose own clock stands still, as after the wall clock was set back."""

import time

import rclpy
import rclpy.executors
from builtin_interfaces.msg import Time
from hypothesis import given
from hypothesis import strategies as st
from rclpy.clock import ClockType
from rclpy.parameter import Parameter

from async_rl_ros.ros_time import every, nanoseconds, ros_time

TIMEOUT = 10.0


@given(st.integers(0, 2**31 - 1), st.integers(0, 10**9 - 1))
def test_ros_time_of_nanoseconds_is_exact(sec: int, nanosec: int) -> None:
    stamp = Time(sec=sec, nanosec=nanosec)
    assert ros_time(nanoseconds(stamp)) == stamp


def test_every_with_a_stopped_node_clock_keeps_calling() -> None:
    context = rclpy.Context()
    rclpy.init(context=context)
    stopped = Parameter("use_sim_time", value=True)  # and nobody publishes /clock
    node = rclpy.create_node("tested", context=context, parameter_overrides=[stopped])
    steady: list[float] = []
    timer = every(node, 0.01, lambda: steady.append(time.monotonic()))
    assert timer.clock.clock_type == ClockType.STEADY_TIME
    executor = rclpy.executors.SingleThreadedExecutor(context=context)
    executor.add_node(node)
    end = time.monotonic() + TIMEOUT
    while len(steady) < 3 and time.monotonic() < end:
        executor.spin_once(timeout_sec=0.1)
    assert len(steady) >= 3
    node.destroy_node()
    context.shutdown()
