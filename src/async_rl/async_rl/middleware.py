"""A check of the ROS 2 that a process finds, by a message from a publisher to a subscription."""

import os
import sys
from time import perf_counter

from async_rl_core.bringup.checks.finding import Finding
from async_rl_core.bringup.checks.probe import run_code

_SUBJECT = "ROS 2"
_TIMEOUT = 10.0  # seconds, discovery included


def check() -> Finding:
    """Sends a message from a publisher to a subscription over the middleware, in a process of its own."""
    found = run_code("from async_rl.middleware import main; main()", timeout=60.0)
    if found.works:
        return Finding(_SUBJECT, "fine", found.text)
    if "No module named" in found.text:
        remedy = "source /opt/ros/<distro>/setup.bash, or build with make, which installs ROS 2 from wheels"
    elif "no message arrived" in found.text:
        remedy = "allow UDP on the loopback interface (firewall, container)"
    else:
        remedy = "look at RMW_IMPLEMENTATION, ROS_DOMAIN_ID, HOME and FASTDDS_DEFAULT_PROFILES_FILE"
    return Finding(_SUBJECT, "missing", found.text, remedy)


def main() -> None:
    """Prints which ROS 2 this is, and how long the first message took. Ends the process with 1 where none arrives."""
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE") or "LOCALHOST"
    import rclpy
    from rclpy.utilities import get_rmw_implementation_identifier

    rclpy.init(args=["--ros-args", "--disable-external-lib-logs"])
    try:
        name = f"{os.environ.get('ROS_DISTRO') or 'from wheels'}, {get_rmw_implementation_identifier()}"
        seconds = _first_arrival()
    finally:
        rclpy.try_shutdown()
    if seconds is None:
        sys.exit(f"{name}: no message arrived within {_TIMEOUT:g} s")
    print(f"{name}, first message after {seconds:.1f} s")


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
