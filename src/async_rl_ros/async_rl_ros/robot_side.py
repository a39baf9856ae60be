"""The ROS interface of our own drivers: robot_status, log of command gaps, activation of the controller."""

from collections.abc import Callable

from rclpy.node import Node
from std_srvs.srv import Trigger

from async_rl_core import topics
from async_rl_core.robots.command_gaps import CommandGaps, in_words
from async_rl_core.robots.controller import VelocityController
from async_rl_interfaces.msg import RobotStatus
from async_rl_ros import qos

STATUS_PERIOD = 0.1
"""Seconds after which the status is repeated, so that subscribers can detect a dead driver."""
INACTIVE = "controller inactive"


def status_message(node: Node, cause: str) -> RobotStatus:
    """Returns a robot's status: ready, unless there is a cause."""
    message = RobotStatus(ready=not cause, cause=cause)
    message.header.stamp = node.get_clock().now().to_msg()
    return message


def no_command(controller: VelocityController, now: float) -> str:
    """Returns a line for `/diagnostics` after commands have ceased, otherwise an empty one."""
    return f"no command for {in_words(controller.silence(now))}; the arm is stopped" if controller.ceased(now) else ""


class RobotSide:
    """Publishes `robot_status`, logs gaps in the commands, and serves `~/activate_controller`.

    Args:
        node: the driver.
        controller: receives the commands; `~/activate_controller` activates it again.
        cause: returns the reason why the robot does not follow commands now; empty where it does.
    """

    def __init__(self, node: Node, controller: VelocityController, cause: Callable[[], str]) -> None:
        self._node, self._controller, self._cause = node, controller, cause
        self._gaps = CommandGaps(controller)
        self._publisher = node.create_publisher(RobotStatus, topics.ROBOT_STATUS, qos.LATCHED)
        node.create_service(Trigger, "~/activate_controller", self._on_activate)

    def publish(self) -> None:
        """Publishes the status."""
        self._publisher.publish(status_message(self._node, self._cause()))

    def watch_commands(self, now: float) -> None:
        """Logs the start of a gap in the commands; to be called in every cycle, with the controller's time."""
        if line := self._gaps.started(now):
            self._node.get_logger().warning(line)

    def command_taken(self, now: float) -> None:
        """Logs the end of a gap; to be called when the controller accepted a command."""
        if line := self._gaps.ended(now):
            self._node.get_logger().info(line)

    def deactivated(self, velocities: int, joints: int) -> None:
        """Logs and publishes that a command with a wrong number of velocities deactivated the controller."""
        self._node.get_logger().error(
            f"a command of {velocities} velocities for {joints} joints deactivated the controller; call "
            "~/activate_controller"
        )
        self.publish()

    def _on_activate(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._controller.activate()
        self.publish()
        response.success = True
        response.message = "the velocity controller is active"
        return response
