import uuid

import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.executors import SingleThreadedExecutor

from async_rl_ros.diagnostics import Diagnostics, Health, Level


@pytest.fixture
def context():
    context = rclpy.Context()
    context.init()
    yield context
    context.try_shutdown()


def test_diagnostics_publishes_health_with_its_figures(context):
    node = rclpy.create_node("tested", context=context, namespace=f"test_{uuid.uuid4().hex}")
    received = rclpy.Future()

    def hear(message):
        if message.status[0].name == node.get_fully_qualified_name()[1:]:  # others of the domain publish here too
            received.set_result(message)

    node.create_subscription(DiagnosticArray, "/diagnostics", hear, 10)
    health = Health(Level.WARN, "late", {"lateness_p99_ms": 7.5, "missed": 3})
    Diagnostics(node, lambda: health, "ur5", period=0.02)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    executor.spin_until_future_complete(received, timeout_sec=10)
    message = received.result()
    assert message is not None
    (status,) = message.status
    assert (status.level, status.hardware_id, status.message) == (DiagnosticStatus.WARN, "ur5", "late")
    assert {value.key: value.value for value in status.values} == {"lateness_p99_ms": "7.5", "missed": "3"}
    assert message.header.stamp.sec > 0
    node.destroy_node()


def test_publish_changes_with_the_same_level_publishes_nothing(context):
    node, said = rclpy.create_node("tested", context=context), []
    course = iter(
        (Health(Level.OK, "1"), Health(Level.OK, "2"), Health(Level.WARN, "full"), Health(Level.WARN, "still"))
    )
    diagnostics = Diagnostics(node, lambda: next(course), period=1000.0)
    diagnostics._publisher.publish = lambda message: said.append(message.status[0].message)
    for _ in range(4):
        diagnostics.publish_changes()
    assert said == ["1", "full"]
    node.destroy_node()
