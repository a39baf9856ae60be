"""What the process that drives a robot by itself says of it, and lets a person do about it."""

from collections.abc import Callable

from rclpy.node import Node
from std_srvs.srv import Trigger

from async_rl_interfaces.msg import RobotStatus
from async_rl_ros import qos

STATUS_PERIOD = 0.1
"""Seconds after which the status is said again, for who must know that it still holds."""
INACTIVE = "controller inactive"
CEASED = "no command comes any more: the arm rests"


def status_message(node: Node, cause: str) -> RobotStatus:
    """What a robot's status is now: ready, unless there is a cause not to be."""
    message = RobotStatus(ready=not cause, cause=cause)
    message.header.stamp = node.get_clock().now().to_msg()
    return message


class RobotSide:
    """`robot_status`, and the service `~/activate_controller` after what deactivated the controller.

    Args:
        node: that drives the robot.
        activate: has its controller follow commands again.
        cause: why the robot does not follow any now; empty where it does.
        ceased: whether commands came, and come no more.
    """

    def __init__(
        self, node: Node, activate: Callable[[], None], cause: Callable[[], str], ceased: Callable[[], bool]
    ) -> None:
        self._node, self._activate, self._cause, self._ceased = node, activate, cause, ceased
        self._said = False
        self._publisher = node.create_publisher(RobotStatus, "robot_status", qos.LATCHED)
        node.create_service(Trigger, "~/activate_controller", self._on_activate)

    def tell(self) -> None:
        """Publish the status, and say in the log, once, that commands have ceased."""
        ceased = self._ceased()
        if ceased and not self._said:
            self._node.get_logger().error(CEASED)
        self._said = ceased
        self._publisher.publish(status_message(self._node, self._cause()))

    def deactivated(self, velocities: int, joints: int) -> None:
        """Say that a command of so many velocities was none for so many joints, and deactivated the controller."""
        self._node.get_logger().error(
            f"a command of {velocities} velocities for {joints} joints deactivated the controller; call "
            "~/activate_controller"
        )
        self.tell()

    def _on_activate(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._activate()
        self.tell()
        response.success = True
        response.message = "the velocity controller is active"
        return response
