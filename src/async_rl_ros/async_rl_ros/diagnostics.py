"""A node's health on /diagnostics."""

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from async_rl_ros.ros_time import every


class Level(Enum):
    """Severity, with the values of DiagnosticStatus."""

    OK = DiagnosticStatus.OK
    WARN = DiagnosticStatus.WARN
    ERROR = DiagnosticStatus.ERROR
    STALE = DiagnosticStatus.STALE


@dataclass(frozen=True)
class Health:
    """A node's health at one moment: severity, message and figures."""

    level: Level
    message: str
    values: Mapping[str, object] = field(default_factory=dict)


class Diagnostics:
    """Publishes the result of `health` every `period` seconds, from the node's own executor.

    The status is named after the node, with its namespace.

    Args:
        node: publishes the status.
        health: returns the present health.
        hardware_id: the device that the node drives or supervises; by default this computer.
        period: seconds.
    """

    def __init__(self, node: Node, health: Callable[[], Health], hardware_id: str = "", period: float = 1.0) -> None:
        self._node = node
        self._health = health
        self._name = node.get_fully_qualified_name().removeprefix("/")
        self._hardware_id = hardware_id or platform.node()
        self._level: Level | None = None  # of the last status
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._timer = every(node, period, self.publish)

    def publish_changes(self) -> None:
        """Publishes now if the level has changed since the last status."""
        health = self._health()
        if health.level != self._level:
            self._publish(health)

    def publish(self) -> None:
        """Publishes now."""
        self._publish(self._health())

    def _publish(self, health: Health) -> None:
        self._level = health.level
        values = [KeyValue(key=key, value=str(value)) for key, value in health.values.items()]
        status = DiagnosticStatus(
            level=health.level.value,
            name=self._name,
            message=health.message,
            hardware_id=self._hardware_id,
            values=values,
        )
        message = DiagnosticArray(status=[status])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)
