"""Timers of a node whose own clock stands still, as a wall clock that was set back seems to."""

import time

import rclpy
import rclpy.executors
from rclpy.clock import ClockType
from rclpy.parameter import Parameter

from async_rl_ros.timers import every

TIMEOUT = 10.0


def test_they_go_on_where_the_nodes_own_clock_does_not() -> None:
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
