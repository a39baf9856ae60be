"""`franka_driver_node`: the driver of an FR3, with the topics that every robot has."""

import gc
import time
from functools import partial

import numpy as np
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray, String
from std_srvs.srv import Trigger

from async_rl_core import topics
from async_rl_core.errors import RobotError
from async_rl_core.robots.controller import VelocityController
from async_rl_core.robots.interpolation import Interpolation
from async_rl_core.sim.model import urdf_text
from async_rl_ros import qos
from async_rl_ros.diagnostics import Diagnostics, Health, Level
from async_rl_ros.messages import JointStates
from async_rl_ros.node import ConfiguredNode, StopSignal
from async_rl_ros.node import main as run_node
from async_rl_ros.robot_side import INACTIVE, STATUS_PERIOD, RobotSide, no_command
from async_rl_ros.scheduling import freeze_garbage, lock_memory, realtime
from franka_driver_node.address import robot_address
from franka_driver_node.protocol import PERIOD, FrankaArm, FrankaState

_PRIORITY = 45  # above the guard, because a state that is not answered within a millisecond counts as lost
_CONNECTION_TIMEOUT = 20.0  # seconds until a simulated arm must answer; it starts at the same time
_CYCLES_PER_INTAKE = 2  # callbacks are served in odd cycles; states are published in even ones


class FrankaDriverNode(ConfiguredNode):
    """Answers each state of the robot with a velocity, and serves ROS after the answer.

    There is one thread, because pylibfranka holds the interpreter while it waits for a state. An error of the robot
    ends the motion; only the service `~/recover` starts another.
    """

    def __init__(self) -> None:
        super().__init__("franka_driver_node")
        robot = self.config.robot
        self._arm = self._connect()
        self._controller = VelocityController(len(robot.joints), robot.command_timeout)
        self._interpolation = Interpolation(robot.limits, PERIOD, 1.0 / robot.state_rate)
        self._joint_states = JointStates(robot)
        self._cycles_per_state = round(1.0 / (robot.state_rate * PERIOD))
        self._cycles_per_status = round(STATUS_PERIOD / PERIOD)
        self._cycles = self._missed = 0
        self._problem = "not started"
        self._robot_problem = ""
        self._states = self.create_publisher(JointState, robot.state_topic, qos.DRIVER)
        self._side = RobotSide(self, self._controller, self._cause)
        self._description = self.create_publisher(String, topics.ROBOT_DESCRIPTION, qos.LATCHED)
        self._description.publish(String(data=urdf_text(robot)))
        self.create_subscription(Float64MultiArray, robot.command_topic, self._on_command, qos.DRIVER)
        self.create_service(Trigger, "~/recover", self._on_recover)
        self._diagnostics = Diagnostics(self, self._health, robot.name)

    def _connect(self) -> FrankaArm:
        real = self.config.hardware == "real"
        address = robot_address(self.config)
        deadline = time.monotonic() + (0.0 if real else _CONNECTION_TIMEOUT)
        while True:
            try:
                return FrankaArm(address, enforce_realtime=real)
            except RobotError:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.1)

    def run(self, stop: StopSignal) -> None:
        """Answers the robot until a stop is requested and the arm is at rest; then ends the motion."""
        self.get_logger().info(lock_memory())
        self._interpolation.step()  # the first call is slow and would lose states during a motion
        freeze_garbage()
        self._set_problem(self._arm.start())
        while not stop.requested or (self._arm.moves and not self._interpolation.at_rest):
            self._cycle(stop.requested)
        self._publish(self._arm.read())
        self._arm.write(np.zeros(len(self.config.robot.joints)), last=True)

    def _cycle(self, stopping: bool) -> None:
        state = self._arm.read()
        if stopping or self._controller.wanted(time.monotonic()) is None:
            self._interpolation.brake()
        if not self._arm.moves:
            self._wait_for_recovery(state)
        else:
            if state.elapsed > 1.5 * PERIOD:
                self._missed += round(state.elapsed / PERIOD) - 1
                self._interpolation.resume(state.commanded_velocity, state.commanded_acceleration)
            self._arm.write(self._interpolation.step())
        self._cycles += 1
        self._serve(state)

    def _wait_for_recovery(self, state: FrankaState) -> None:
        """Handles a cycle without a motion: keeps the reason of its end until a person calls `~/recover`."""
        zero = np.zeros(len(self.config.robot.joints))
        self._interpolation.brake()
        self._interpolation.resume(zero, zero)
        self._robot_problem = state.problem
        if not self._problem:
            self._set_problem(state.problem or "the motion ended")

    def _serve(self, state: FrankaState) -> None:
        """Serves ROS in the rest of the millisecond, after the robot has its answer."""
        if self._cycles % self._cycles_per_state == 0:
            self._publish(state)
            self._side.watch_commands(time.monotonic())
        elif self._cycles % self._cycles_per_status == 2:
            self._side.publish()
        elif self._cycles % 1000 == 4:
            gc.collect(0)
        elif self._cycles % _CYCLES_PER_INTAKE == 1:
            self.take_waiting(1)  # 500 per second, for 125 commands

    def _publish(self, state: FrankaState) -> None:
        stamp = self.get_clock().now().to_msg()
        self._states.publish(self._joint_states.message(stamp, state.position, state.velocity, state.torque))

    def _set_problem(self, problem: str) -> None:
        self._problem = problem
        if problem:
            self.get_logger().error(f"the robot does not move: {problem}; call ~/recover")
        else:
            self.get_logger().info("the robot takes velocities")
        self._side.publish()

    def _cause(self) -> str:
        if self._problem:
            return f"franka_driver_node: {self._problem}"
        return "" if self._controller.active else f"franka_driver_node: {INACTIVE}"

    def _on_command(self, message: Float64MultiArray) -> None:
        was_active = self._controller.active
        if self._controller.command(message.data, time.monotonic()):
            self._interpolation.command(np.array(message.data), gently=self._controller.resuming)
            self._controller.resumed()
            self._side.command_taken(time.monotonic())
        elif was_active and not self._controller.active:
            self._side.deactivated(len(message.data), len(self.config.robot.joints))

    def _on_recover(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        if self._arm.moves:
            response.message = "nothing to recover from"
        else:
            cause = self._arm.recover() if self._robot_problem else ""
            self._set_problem(cause or self._arm.start())
            response.message = self._problem or "the robot takes velocities"
        response.success = not self._problem
        return response

    def _health(self) -> Health:
        values = {
            "cycles": self._cycles,
            "states missed": self._missed,
            "commands dropped": self._controller.dropped,
        }
        cause = self._cause() or no_command(self._controller, time.monotonic())
        return Health(Level.ERROR if cause else Level.OK, cause or "running", values)


def main() -> None:
    """Runs the node as a process."""
    run_node(FrankaDriverNode, partial(realtime, _PRIORITY))
