"""`robot_sim_node`: a simulated arm, its wrist camera and a monitor, with the interfaces of the real drivers."""

import gc
import math
import sys
import time
from functools import partial

from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray, String

from async_rl_core import topics
from async_rl_core.realtime.fixed_rate_clock import FixedRateClock
from async_rl_core.sim.arm import SimulatedArm
from async_rl_core.sim.disturbance import SensorNoise
from async_rl_core.sim.model import urdf_text
from async_rl_core.sim.scene import Scene
from async_rl_core.tasks.checks import CheckedTask
from async_rl_ros import qos
from async_rl_ros.diagnostics import Diagnostics
from async_rl_ros.messages import JointStates
from async_rl_ros.node import ConfiguredNode, StopSignal
from async_rl_ros.node import main as run_node
from async_rl_ros.robot_side import INACTIVE, STATUS_PERIOD, RobotSide
from async_rl_ros.ros_time import ros_time
from async_rl_ros.scheduling import freeze_garbage, lock_memory, realtime
from robot_sim_node.camera_publisher import CameraPublisher
from robot_sim_node.frame_publisher import FramePublisher
from robot_sim_node.health import LoopCounts, SimHealth
from robot_sim_node.stamp_clock import StampClock
from robot_sim_node.task_state_publisher import TaskStatePublisher

_PRIORITY = 30
_STOP_TIMEOUT = 1.5  # seconds that the arm may take to come to rest after a stop was requested
_STILL = 0.1  # seconds without motion that count as rest
_SWITCH_INTERVAL = 0.0005  # seconds that the loop and the camera let each other wait for the interpreter
_LONGEST_CATCH_UP = 1.0  # seconds; a process that was halted for longer continues where it was


class RobotSimNode(ConfiguredNode):
    """Physics in real time in the main thread, the camera in a thread of its own; neither waits for anyone."""

    def __init__(self) -> None:
        super().__init__("robot_sim_node")
        config = self.config
        scene = Scene(config)
        self._arm = SimulatedArm(scene)
        self._noise = SensorNoise(config.sim, config.seed)
        self._counts = LoopCounts()
        self._joint_states = JointStates(config.robot)
        self._stamps = StampClock()
        self._create_publishers()
        self._task_state = TaskStatePublisher(self, self._arm, CheckedTask(config.task, scene.task))
        self._view = CameraPublisher(self, scene, self._noise) if scene.task.uses_camera else None
        self._frames = FramePublisher(self, scene) if self._view is None else None
        camera = None if self._view is None else self._view.camera
        self._diagnostics = Diagnostics(self, SimHealth(self._arm, camera, self._counts), config.robot.name)
        self._ticks = FixedRateClock(1.0 / config.robot.state_rate, time.monotonic())
        self._frame_period = 1.0 / config.camera.rate
        self._frames_captured = 0
        self._ticks_per_second = round(config.robot.state_rate)
        self._ticks_per_status = max(1, round(STATUS_PERIOD * config.robot.state_rate))
        self._create_subscriptions()

    def run(self, stop: StopSignal) -> None:
        """Ticks at the driver's rate until a stop is requested and the arm is at rest, or 1.5 s after the request."""
        self.get_logger().info(lock_memory())
        freeze_garbage()
        sys.setswitchinterval(_SWITCH_INTERVAL)
        self._ticks.hold(time.monotonic() - self._ticks.origin)
        deadline = still_since = math.inf
        while True:
            now = time.monotonic()
            if stop.requested:
                deadline = min(deadline, now + _STOP_TIMEOUT)
                still_since = min(still_since, now) if self._arm.at_rest else math.inf
                if now >= deadline or now - still_since >= _STILL:
                    return
            if now < self._ticks.due:
                time.sleep(self._ticks.due - now)
            elif now - self._ticks.due > self._ticks.period:
                self.take_waiting()  # else a stall of this process would look like a silence of the commander
            self._tick(time.monotonic())
            # Once per tick, as the driver's controller does: a wake-up per message would double the node's CPU time.
            self.take_waiting()

    def close(self) -> None:
        """Ends the camera's thread."""
        if self._view is not None:
            self._view.camera.close()

    def _create_publishers(self) -> None:
        robot = self.config.robot
        self._state_publisher = self.create_publisher(JointState, robot.state_topic, qos.DRIVER)
        self._description_publisher = self.create_publisher(String, topics.ROBOT_DESCRIPTION, qos.LATCHED)
        self._description_publisher.publish(String(data=urdf_text(robot)))
        self._side = RobotSide(self, self._arm.controller, self._cause)

    def _create_subscriptions(self) -> None:
        topic = self.config.robot.command_topic
        self.create_subscription(Float64MultiArray, topic, self._on_command, qos.DRIVER)

    def _tick(self, now: float) -> None:
        ticks, counts = self._ticks, self._counts
        if now - ticks.due > _LONGEST_CATCH_UP:
            self.get_logger().warning(f"the simulation was halted for {now - ticks.due:.1f} s and continues there")
            ticks.hold(now - ticks.due)
        counts.latest = max(counts.latest, now - ticks.due)
        counts.missed += max(ticks.advance(now) - 1, 0)
        counts.ticks += 1
        self._arm.advance(ticks.elapsed)
        self._side.watch_commands(self._arm.time)
        moment = ticks.origin + ticks.elapsed  # of the state, not of its publication
        stamp = self._stamps.stamp(moment)
        if ticks.elapsed + 1e-6 >= self._frames_captured * self._frame_period:
            self._frames_captured = math.floor(ticks.elapsed / self._frame_period + 1e-6) + 1
            if self._view is not None:
                self._view.capture(self._arm.position, moment, stamp)
            if self._frames is not None:
                self._frames.publish(self._arm.position, ros_time(stamp))
        self._publish_state(stamp)
        self._task_state.publish(ros_time(stamp))
        if counts.ticks % self._ticks_per_status == 0:
            self._side.publish()
        if counts.ticks % self._ticks_per_second == 0:
            self._stamps.measure()
            gc.collect(0)

    def _publish_state(self, stamp: int) -> None:
        arm = self._arm
        position = self._noise.position(arm.position)
        message = self._joint_states.message(ros_time(stamp), position, arm.velocity, arm.effort)
        self._state_publisher.publish(message)

    def _cause(self) -> str:
        return "" if self._arm.active else f"robot_sim_node: {INACTIVE}"

    def _on_command(self, message: Float64MultiArray) -> None:
        was_active = self._arm.active
        now = time.monotonic() - self._ticks.origin
        if self._arm.command(message.data, at=now):
            self._side.command_taken(now)
        elif was_active and not self._arm.active:
            self._side.deactivated(len(message.data), len(self.config.robot.joints))


def main() -> None:
    """Runs the node as a process."""
    run_node(RobotSimNode, partial(realtime, _PRIORITY))
