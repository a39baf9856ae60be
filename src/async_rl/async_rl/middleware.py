"""ROS 2 as this process finds it: which one, and whether a message goes round."""

import os
from time import perf_counter

from async_rl_core.bringup.doctor import Check

_SUBJECT = "ROS 2"
_TIMEOUT = 10.0  # seconds, discovery included


def check() -> Check:
    """Import rclpy, and send a message from a publisher to a subscription over the middleware."""
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    try:
        import rclpy
        import std_msgs.msg  # noqa: F401
        from rclpy.utilities import get_rmw_implementation_identifier
    except ImportError as error:
        remedy = "source /opt/ros/<distro>/setup.bash, or build with make, which installs ROS 2 from wheels"
        return Check(_SUBJECT, "missing", _one_line(error), remedy)
    try:
        rclpy.init()
        try:
            name = f"{os.environ.get('ROS_DISTRO') or 'from wheels'}, {get_rmw_implementation_identifier()}"
            seconds = _first_arrival()
        finally:
            rclpy.try_shutdown()
    except Exception as error:  # whatever the middleware raises is the finding
        return Check(
            _SUBJECT, "missing", _one_line(error), "look at RMW_IMPLEMENTATION, ROS_DOMAIN_ID and 'ros2 doctor'"
        )
    if seconds is None:
        finding = f"{name}: no message arrived within {_TIMEOUT:g} s"
        return Check(_SUBJECT, "missing", finding, "allow UDP on the loopback interface (firewall, container)")
    return Check(_SUBJECT, "fine", f"{name}, first message after {seconds:.1f} s")


def _first_arrival() -> float | None:
    """Seconds until a subscription hears a publisher of another node, discovery included."""
    import rclpy
    from std_msgs.msg import String

    arrived: list[String] = []
    speaker, hearer = rclpy.create_node("async_rl_doctor_speaker"), rclpy.create_node("async_rl_doctor_hearer")
    try:
        publisher = speaker.create_publisher(String, "async_rl_doctor", 1)
        hearer.create_subscription(String, "async_rl_doctor", arrived.append, 1)
        start = perf_counter()
        while not arrived and perf_counter() - start < _TIMEOUT:
            publisher.publish(String(data="hello"))
            rclpy.spin_once(hearer, timeout_sec=0.05)
        return perf_counter() - start if arrived else None
    finally:
        speaker.destroy_node()
        hearer.destroy_node()


def _one_line(error: object) -> str:
    return " ".join(str(error).split())
