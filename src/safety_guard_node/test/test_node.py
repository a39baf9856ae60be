"""The guard's process over the real middleware, between an agent and an arm that follows exactly."""

import itertools
import math
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
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
        } | changes
        self._agent.publish(VelocityCommand(**fields))

    def until(self, condition: Callable[[], bool], timeout: float = TIMEOUT) -> None:
        """Let the world go on until something is so."""
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, f"did not happen; guard: {self.state}"
            self._cycle()

    def run(self, seconds: float) -> None:
        """Let the world go on for a time."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() >= end, seconds + 1)

    def hear(self, seconds: float) -> None:
        """Let the world go on until so many seconds' worth of the guard's velocities came."""
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
        self.position += self.velocity * CYCLE
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


def test_it_waits_with_zeros_arms_itself_and_follows(world: World) -> None:
    world.until(lambda: len(world.received) > 20 and world.state is not None)
    assert world.is_in(GuardState.DISARMED)()
    assert not any(any(data) for _, data in world.received)
    world.wanted = MOVING
    world.armed()
    world.until(world.moves)
    count = len(world.received)
    world.wanted = ZERO
    world.hear(1.0)
    sent = np.array([at for at, _ in world.received[count:]])
    rate = 10 / np.median(sent[10:] - sent[:-10])  # of most stretches: some may be those of a halted machine
    assert 90 < rate < 130  # 125 on an idle machine
    assert all(len(data) == 6 and all(map(math.isfinite, data)) for _, data in world.received)


def test_a_silent_agent_is_stopped_and_stays_so(world: World) -> None:
    world.armed()
    world.wanted = MOVING
    world.until(world.moves)
    world.wanted = None
    count = len(world.received)
    world.until(world.is_in(GuardState.FAULT))
    assert world.state is not None
    silence = re.match(r"agent silent for (\d+) ms", world.state.cause)
    assert silence is not None and int(silence[1]) >= 1000 * WATCHDOG
    assert world.state.fault_stamp.sec > 0
    world.wanted = ZERO
    world.hear(0.5)
    moving = [any(data) for _, data in world.received[count:]]
    assert sum(moving) * CYCLE < WATCHDOG + 0.1  # counted, not timed: a halt of the machine is no motion
    assert not moving[-1]
    assert world.is_in(GuardState.FAULT)()
    refused = world.call("arm")
    assert not refused.success
    assert "FAULT" in refused.message
    assert world.call("reset_fault").success
    world.until(world.is_in(GuardState.ARMED))


def test_a_halt_of_the_guard_does_not_pass_for_the_agents_silence(world: World) -> None:
    world.armed()
    world.wanted = MOVING
    for duration in (0.5 * WATCHDOG, 1.5 * WATCHDOG):  # neither near it: a busy machine prolongs them
        assert world.is_in(GuardState.ARMED)()
        world.guard.send_signal(signal.SIGSTOP)
        world.run(duration)
        world.guard.send_signal(signal.SIGCONT)
        world.run(0.2)
    world.until(world.is_in(GuardState.FAULT))
    assert world.state is not None
    assert world.state.cause.startswith("the guard was halted for ")


def test_malformed_commands_latch_until_a_person_clears_them(world: World) -> None:
    world.armed()
    for changes, cause in (
        ({"velocity": [math.nan] * 6}, "wants nan"),
        ({"velocity": [0.0] * 5}, "5 values for 6 names"),
        ({"name": ["a", "b", "c", "d", "e", "f"]}, "lacks"),
        ({"sequence": 1}, "command 1 after command"),
    ):
        world.wanted = None  # lest a newer command replace this one: only the newest always arrives
        world.send(**changes)
        world.until(world.is_in(GuardState.FAULT))
        assert world.state is not None
        assert cause in world.state.cause
        assert world.state.commands_refused >= 1
        world.wanted = ZERO
        world.until(lambda: world.call("reset_fault").success)
        world.until(world.is_in(GuardState.ARMED))


def test_a_second_publisher_is_a_fault(world: World) -> None:
    world.armed()
    world.node.create_publisher(Float64MultiArray, world.config.robot.command_topic, 10)
    world.until(world.is_in(GuardState.FAULT))
    assert world.state is not None
    assert "2 publishers" in world.state.cause


def test_a_person_disarms_and_arms(world: World) -> None:
    world.armed()
    assert world.call("disarm").success
    world.until(world.is_in(GuardState.DISARMED))
    world.hear(0.3)
    assert world.is_in(GuardState.DISARMED)()
    response = world.call("arm")
    assert response.success, response.message
    world.until(world.is_in(GuardState.ARMED))


def test_a_driven_robot_moves_only_while_its_driver_says_it_is_ready(tmp_path: Path) -> None:
    world = World(tmp_path, "fr3")
    try:
        world.describe()
        world.until(lambda: "no fresh robot_status" in world.call("arm").message)
        world.status = RobotStatus(ready=False, cause="a reflex")
        world.until(lambda: "the robot is not ready: a reflex" in world.call("arm").message)
        world.status = RobotStatus(ready=True)
        world.until(world.is_in(GuardState.ARMED))
        world.status = None
        world.until(world.is_in(GuardState.FAULT))
        assert world.state is not None
        assert world.state.cause == "no fresh robot_status"
    finally:
        world.close()


def test_a_robot_whose_controller_cannot_be_switched_off_is_refused(tmp_path: Path) -> None:
    if find_spec("controller_manager_msgs"):
        pytest.skip("controller_manager_msgs is installed")
    real = {"hardware": "real", "robot_ip": "192.0.2.1", "guard.auto_arm": False}
    write_config(resolve("laptop", real), tmp_path / "config.yaml")
    arguments = ["--ros-args", "-p", f"config:={tmp_path / 'config.yaml'}"]
    guard = subprocess.run([sys.executable, "-c", RUN, *arguments], capture_output=True, text=True, timeout=TIMEOUT)
    assert guard.returncode == 2
    assert "error: controller_manager_msgs is not installed" in guard.stderr
    assert "Traceback" not in guard.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_the_arm_at_rest(world: World, number: signal.Signals) -> None:
    world.armed()
    world.wanted = MOVING
    world.until(world.moves)
    world.guard.send_signal(number)
    count = len(world.received)

    def speeds() -> list[float]:
        return [max(map(abs, data)) for _, data in world.received[count:]]

    world.until(lambda: world.guard.poll() is not None)
    world.until(lambda: speeds().count(0.0) >= 8)  # a halt of the machine may have left the last ones waiting
    assert world.guard.returncode == 0
    assert not any(world.velocity)
    assert all(later <= earlier + 1e-9 for earlier, later in itertools.pairwise(speeds()))
    assert max(a - b for a, b in itertools.pairwise(speeds())) <= 16.0 * CYCLE + 1e-9  # a ramp


def test_sigtstp_suspends_it_with_the_arm_at_rest_and_sigcont_lets_it_arm_again(world: World) -> None:
    """Without a bring-up; with one it is told, or sees that the bring-up is stopped."""
    world.armed()
    world.wanted = MOVING
    world.until(world.moves)
    world.guard.send_signal(signal.SIGTSTP)
    stat = Path(f"/proc/{world.guard.pid}/stat")
    world.until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T")
    world.until(lambda: not any(world.velocity))
    world.guard.send_signal(signal.SIGCONT)
    world.until(world.is_in(GuardState.DISARMED))
    world.until(world.moves)


def test_a_description_without_the_joints_ends_it_with_one_line(world: World) -> None:
    world.until(lambda: bool(world.received))
    world.describe(urdf_text(world.config.robot).replace("elbow_joint", "elbow"))
    world.until(lambda: world.guard.poll() is not None)
    _, errors = world.guard.communicate()
    assert world.guard.returncode == 2
    assert "error: robot_description has no joint ['elbow_joint']; it has" in errors
    assert "Traceback" not in errors
