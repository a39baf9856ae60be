"""ROS times as one number, without a loss of precision."""

from builtin_interfaces.msg import Time


def nanoseconds(stamp: Time) -> int:
    """A ROS time in nanoseconds."""
    return int(stamp.sec) * 10**9 + int(stamp.nanosec)


def ros_time(stamp: int) -> Time:
    """Nanoseconds as a ROS time."""
    return Time(sec=stamp // 10**9, nanosec=stamp % 10**9)
