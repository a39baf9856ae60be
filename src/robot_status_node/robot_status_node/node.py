"""`robot_status_node`: the readiness of a robot with another driver, as the guard needs it."""

import time
from collections.abc import Callable, Sequence
from functools import partial, reduce
from importlib import import_module
from typing import Any

from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.task import Future
from std_msgs.msg import Float64MultiArray

from async_rl_core import topics
from async_rl_core.config.driver import StatusCondition
from async_rl_core.errors import ConfigError
from async_rl_core.robots.command_watchdog import TIMEOUT, CommandWatchdog
from async_rl_core.robots.driver_status import DriverStatus
from async_rl_interfaces.msg import RobotStatus
from async_rl_ros import qos
from async_rl_ros.controller_manager_client import ControllerManagerClient
from async_rl_ros.node import ConfiguredNode, StopSignal
from async_rl_ros.node import main as run_node
from async_rl_ros.robot_side import STATUS_PERIOD, status_message
from async_rl_ros.ros_time import every
from async_rl_ros.scheduling import realtime
from async_rl_ros.service_caller import ServiceCaller

_POLL_PERIOD = 0.5
_ANSWER_TIMEOUT = 5.0  # seconds until a service that does not answer is called again
_WATCH_PERIOD = 0.02
_LAST_WATCH = 1.0  # seconds for which an arm left in motion may delay the end of this node
_PRIORITY = 35  # SCHED_FIFO, below the guard, whose death it has to detect
_LIST_CONTROLLERS = "controller_manager_msgs/srv/ListControllers"
_LATEST = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


class RobotStatusNode(ConfiguredNode):
    """Reads the topics and services of the driver's `status` conditions, and publishes `robot_status`.

    A controller of ros2_control keeps following its last command. This node has it deactivated when commands cease
    while the arm moves, because the guard may have been killed. Only a person clears the robot's stop and activates the
    controller again.
    """

    def __init__(self) -> None:
        super().__init__("robot_status_node")
        driver = self.config.robot_driver
        if driver is None or driver.via != "launch":
            raise ConfigError(f"robot '{self.config.robot.name}' has no driver with a launch file of its own")
        self._status = DriverStatus(driver.status, driver.controller)
        self._watchdog = CommandWatchdog()
        self._left = False
        self._answer: Future[Any] | None = None
        self._published: str | None = None
        self._publisher = self.create_publisher(RobotStatus, topics.ROBOT_STATUS, qos.LATCHED)
        for conditions in by_source(driver.status):
            check_fields(conditions)
            if conditions[0].polled:
                self._poll(conditions[0].type, conditions[0].source, partial(self._on_message, conditions))
            else:
                self._listen(conditions)
        if driver.controller is not None:
            self._poll(_LIST_CONTROLLERS, "controller_manager/list_controllers", self._on_controllers)
            self._watch(ControllerManagerClient(self, driver.controller))
        every(self, STATUS_PERIOD, self._publish)

    def _listen(self, conditions: Sequence[StatusCondition]) -> None:
        """Subscribes twice: for a latched topic that is published on change, and for one that is not latched."""
        type_ = interface(conditions[0].type)
        for profile in (qos.LATCHED, _LATEST):
            self.create_subscription(type_, conditions[0].source, partial(self._on_message, conditions), profile)

    def _poll(self, type_: str, name: str, take: Callable[[Any], None]) -> None:
        client = self.create_client(interface(type_), name)
        service, request = ServiceCaller(client, _ANSWER_TIMEOUT), client.srv_type.Request()

        def ask() -> None:
            service.call(request, take)

        every(self, _POLL_PERIOD, ask)

    def _watch(self, controller: ControllerManagerClient) -> None:
        topic = self.config.robot.command_topic
        self.create_subscription(Float64MultiArray, topic, self._on_command, qos.SENSOR)
        every(self, _WATCH_PERIOD, lambda: self._deactivate_if_left(topic, controller))

    def run(self, stop: StopSignal) -> None:
        """Serves until a stop is requested, and then until an arm left in motion has been stopped."""
        super().run(stop)
        end = time.monotonic() + _LAST_WATCH
        while self._watchdog.moving and time.monotonic() < end:
            self.executor_.spin_once(timeout_sec=_WATCH_PERIOD)

    def _on_command(self, message: Float64MultiArray) -> None:
        self._left = False
        self._watchdog.on_command(time.monotonic(), any(message.data))

    def _deactivate_if_left(self, topic: str, controller: ControllerManagerClient) -> None:
        if not self._watchdog.must_stop(time.monotonic()):
            return
        if not self._left:
            self._left = True
            self.get_logger().error(
                f"no command on {topic} for {1000 * TIMEOUT:.0f} ms while the arm moves; deactivating its controller"
            )
        answer = controller.deactivate()
        if answer is not None and answer is not self._answer:
            self._answer = answer
            answer.add_done_callback(self._on_deactivated)

    def _on_deactivated(self, answer: Future[Any]) -> None:
        if (response := answer.result()) is not None and response.ok:
            self._watchdog.confirm_stop()

    def _on_message(self, conditions: Sequence[StatusCondition], message: object) -> None:
        """Takes all values of a message before judging any of them."""
        now = time.monotonic()
        for condition in conditions:
            self._status.on_value(condition, value(message, condition.field), now)
        self._publish_change()

    def _on_controllers(self, response: Any) -> None:
        states = {controller.name: controller.state for controller in response.controller}
        self._status.on_controllers(states, time.monotonic())
        self._publish_change()

    @property
    def _cause(self) -> str:
        return "; ".join(self._status.problems(time.monotonic()))

    def _publish_change(self) -> None:
        if self._published != self._cause:
            self._publish()

    def _publish(self) -> None:
        cause = self._cause
        if self._published != cause:
            self._published = cause
            self.get_logger().info(f"the robot is not ready: {cause}" if cause else "the robot is ready")
        self._publisher.publish(status_message(self, cause))


def by_source(conditions: Sequence[StatusCondition]) -> list[list[StatusCondition]]:
    """Returns the conditions in groups of the same topic or service, and type."""
    groups: dict[tuple[str, str], list[StatusCondition]] = {}
    for condition in conditions:
        groups.setdefault((condition.source, condition.type), []).append(condition)
    return list(groups.values())


def check_fields(conditions: Sequence[StatusCondition]) -> None:
    """Raises `ConfigError` where a message of the condition's type lacks its field."""
    for condition in conditions:
        type_ = interface(condition.type)
        message = type_.Response() if condition.polled else type_()  # type: ignore[attr-defined]
        try:
            value(message, condition.field)
        except AttributeError:
            raise ConfigError(
                f"status of {condition.source}: {condition.type} has no field '{condition.field}'; correct it in the "
                "robot's file"
            ) from None


def interface(name: str) -> type:
    """Returns the class of an interface such as 'std_msgs/msg/Bool'. Raises `ConfigError` if it is not installed."""
    package, kind, type_ = name.split("/")
    try:
        found: type = getattr(import_module(f"{package}.{kind}"), type_)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{name}, which the robot's driver uses, is not installed ({error}); install it") from None
    return found


def value(message: object, field: str) -> object:
    """Returns the value of a dotted field of a message."""
    return reduce(getattr, field.split("."), message)


def main() -> None:
    """Runs the node as a process."""
    run_node(RobotStatusNode, partial(realtime, _PRIORITY))
