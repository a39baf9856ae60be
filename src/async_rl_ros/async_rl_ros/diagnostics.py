"""What a node says about its health on /diagnostics."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from async_rl_ros.ros_time import every


class Level(Enum):
    """Severity, as DiagnosticStatus has it."""

    OK = DiagnosticStatus.OK
    WARN = DiagnosticStatus.WARN
    ERROR = DiagnosticStatus.ERROR
    STALE = DiagnosticStatus.STALE


@dataclass(frozen=True)
class Health:
    """A node's health at one moment: how bad, in words, and the figures behind it."""

    level: Level
    message: str
    values: Mapping[str, object] = field(default_factory=dict)


class Diagnostics:
    """Publishes what `health` returns once per `period` seconds, from the node's own executor."""

    def __init__(self, node: Node, health: Callable[[], Health], name: str = "", period: float = 1.0) -> None:
        self._node = node
        self._health = health
        self._name = f"{node.get_name()}: {name}" if name else node.get_name()
        self._level: Level | None = None  # as it was said last
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._timer = every(node, period, self.publish)

    def publish_changes(self) -> None:
        """Publish now if the level is another than the last: trouble need not wait for the period."""
        health = self._health()
        if health.level != self._level:
            self._publish(health)

    def publish(self) -> None:
        """Publish now."""
        self._publish(self._health())

    def _publish(self, health: Health) -> None:
        self._level = health.level
        values = [KeyValue(key=key, value=str(value)) for key, value in health.values.items()]
        status = DiagnosticStatus(
            level=health.level.value,
            name=self._name,
            message=health.message,
            hardware_id=self._node.get_fully_qualified_name(),
            values=values,
        )
        message = DiagnosticArray(status=[status])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)
