"""The guard's process between an agent and an arm that follows exactly, over the real middleware."""

import os
import subprocess
import sys
import time
import uuid
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray, String
from std_srvs.srv import Trigger

from async_rl_core.config.load import resolve, write_config
from async_rl_core.sim.model import urdf_text
from async_rl_interfaces.msg import GuardState, RobotStatus, VelocityCommand
from async_rl_ros.qos import COMMAND, DRIVER, LATCHED

TIMEOUT = 40.0
RUN = "from safety_guard_node.node import main; main()"
ZERO = [0.0] * 6
MOVING = [0.1, 0.1, -0.1, 0.1, 0.1, 0.0]
CYCLE = 0.008
WATCHDOG = 0.5
"""Seconds, the longest there is: a busy machine makes this world late. The exact times are core's tests."""
PRIORITY = 30
"""Of this world, as of a simulated robot: what else runs on this machine in real time must not silence it."""


class World:
    """Robot and agent in one node: joint states at 125 Hz, commands at 25 Hz, the guard's velocities integrated."""

    def __init__(self, folder: Path, robot_name: str = "ur5", clears: bool = False) -> None:
        guard = {
            "guard.watchdog": WATCHDOG,
            "guard.grace": 0.36,
            "guard.state_timeout": WATCHDOG,
            "guard.clear_timing_faults": clears,
        }
        self.config = resolve("laptop", guard, robot_name)
        robot = self.config.robot
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        namespace = f"/test_{uuid.uuid4().hex}"
        self.node = rclpy.create_node("world", namespace=namespace, context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.received: list[tuple[float, array[float]]] = []
        self.states: list[GuardState] = []
        self.position = np.array(robot.start)
        self.velocity = np.zeros(len(robot.joints))
        self.wanted: list[float] | None = [0.0] * len(robot.joints)
        self.status: RobotStatus | None = None
        self.pushed = np.zeros(len(robot.joints))
        """rad/s by which something else than the guard moves the arm."""
        self.description = ""
        self.sequence = 0
        self._ticks = 0
        self.node.create_subscription(Float64MultiArray, robot.command_topic, self._command, 10)
        self.node.create_subscription(GuardState, "safety_guard_node/state", self.states.append, LATCHED)
        self._joint_states = self.node.create_publisher(JointState, robot.state_topic, DRIVER)
        self._agent = self.node.create_publisher(VelocityCommand, "rl_agent_node/command", COMMAND)
        self._status = self.node.create_publisher(RobotStatus, "robot_status", LATCHED)
        self._description = self.node.create_publisher(String, "robot_description", LATCHED)
        write_config(self.config, folder / "config.yaml")
        arguments = ["--ros-args", "-r", f"__ns:={namespace}", "-p", f"config:={folder / 'config.yaml'}"]
        self.guard = subprocess.Popen([sys.executable, "-c", RUN, *arguments], stderr=subprocess.PIPE, text=True)
        with suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
        self._next = time.monotonic()

    def describe(self, text: str | None = None) -> None:
        """Publish the robot's description."""
        self._description.publish(String(data=urdf_text(self.config.robot) if text is None else text))

    def close(self) -> None:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        if self.guard.poll() is None:
            self.guard.kill()
            self.guard.communicate()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)

    def send(self, velocity: Sequence[float] = ZERO, **changes: object) -> None:
        """A command of the agent, with fields changed."""
        self.sequence += 1
        fields = {
            "sequence": self.sequence,
            "name": list(self.config.robot.joints),
            "velocity": list(velocity),
            "description": self.description,
        } | changes
        self._agent.publish(VelocityCommand(**fields))

    def until(self, condition: Callable[[], bool], timeout: float = TIMEOUT) -> None:
        """Runs until a condition holds."""
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, f"did not happen; guard: {self.state}"
            self._cycle()

    def run(self, seconds: float) -> None:
        """Runs for a time."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() >= end, seconds + 1)

    def hear(self, seconds: float) -> None:
        """Runs until the guard's velocities of this number of seconds came."""
        enough = len(self.received) + round(seconds / CYCLE)
        self.until(lambda: len(self.received) >= enough)

    @property
    def state(self) -> GuardState | None:
        return self.states[-1] if self.states else None

    def moves(self) -> bool:
        """Whether the guard has it do what the agent wants."""
        return list(self.velocity) == MOVING

    def is_in(self, state: int) -> Callable[[], bool]:
        return lambda: self.state is not None and self.state.state == state

    def call(self, name: str) -> Trigger.Response:
        client: Any = self.node.create_client(Trigger, f"safety_guard_node/{name}")
        self.until(client.service_is_ready)
        future = client.call_async(Trigger.Request())
        self.until(future.done)
        response = future.result()
        assert response is not None
        return response

    def armed(self) -> "World":
        self.describe()
        self.until(self.is_in(GuardState.ARMED))
        return self

    def _command(self, message: Float64MultiArray, info: Mapping[str, int]) -> None:
        self.received.append((1e-9 * info["source_timestamp"], message.data))
        self.velocity = np.array(message.data)

    def _cycle(self) -> None:
        while (wait := self._next - time.monotonic()) > 0:
            self.executor.spin_once(timeout_sec=wait)
        self._next = max(self._next + CYCLE, time.monotonic() - CYCLE)
        self._ticks += 1
        self.position += (self.velocity + self.pushed) * CYCLE
        order = sorted(self.config.robot.joints)
        angles = [float(self.position[self.config.robot.joints.index(name)]) for name in order]
        message = JointState(name=order, position=angles)
        message.header.stamp = self.node.get_clock().now().to_msg()
        self._joint_states.publish(message)
        if self._ticks % 5 == 0 and self.wanted is not None:
            self.send(self.wanted)
        if self._ticks % 10 == 0 and self.status is not None:
            self._status.publish(self.status)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    try:
        yield world
    finally:
        world.close()
