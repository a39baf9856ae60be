"""What the process that drives a robot by itself says of it, and lets a person do about it."""

from collections.abc import Callable

from rclpy.node import Node
from std_srvs.srv import Trigger

from async_rl_core import topics
from async_rl_core.robots.command_gaps import CommandGaps, in_words
from async_rl_core.robots.controller import VelocityController
from async_rl_interfaces.msg import RobotStatus
from async_rl_ros import qos

STATUS_PERIOD = 0.1
"""Seconds after which the status is said again, for who must know that it still holds."""
INACTIVE = "controller inactive"


def status_message(node: Node, cause: str) -> RobotStatus:
    """What a robot's status is now: ready, unless there is a cause not to be."""
    message = RobotStatus(ready=not cause, cause=cause)
    message.header.stamp = node.get_clock().now().to_msg()
    return message


def no_command(controller: VelocityController, now: float) -> str:
    """A line for `/diagnostics` while commands came and come no more, else nothing."""
    return f"no command for {in_words(controller.silence(now))}; the arm rests" if controller.ceased(now) else ""


class RobotSide:
    """`robot_status`, the log of gaps in the commands, and the service `~/activate_controller`.

    Args:
        node: that drives the robot.
        controller: takes the commands; a deactivated one follows them again after `~/activate_controller`.
        cause: why the robot does not follow any now; empty where it does.
    """

    def __init__(self, node: Node, controller: VelocityController, cause: Callable[[], str]) -> None:
        self._node, self._controller, self._cause = node, controller, cause
        self._gaps = CommandGaps(controller)
        self._publisher = node.create_publisher(RobotStatus, topics.ROBOT_STATUS, qos.LATCHED)
        node.create_service(Trigger, "~/activate_controller", self._on_activate)

    def tell(self) -> None:
        """Publish the status."""
        self._publisher.publish(status_message(self._node, self._cause()))

    def watch_commands(self, now: float) -> None:
        """Log that a gap has begun in the commands, at this time of the controller's clock; for every cycle."""
        if line := self._gaps.started(now):
            self._node.get_logger().warning(line)

    def command_taken(self, now: float) -> None:
        """Log the end of a gap: the controller has just taken a command."""
        if line := self._gaps.ended(now):
            self._node.get_logger().info(line)

    def deactivated(self, velocities: int, joints: int) -> None:
        """Say that a command of so many velocities was none for so many joints, and deactivated the controller."""
        self._node.get_logger().error(
            f"a command of {velocities} velocities for {joints} joints deactivated the controller; call "
            "~/activate_controller"
        )
        self.tell()

    def _on_activate(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._controller.activate()
        self.tell()
        response.success = True
        response.message = "the velocity controller is active"
        return response
