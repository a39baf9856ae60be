"""The quality of service of each kind of topic."""

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

SENSOR = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
"""Subscribers of images and joint states: the newest only; matches every driver."""

DRIVER = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
"""Publishers that stand in for a driver, and commands to one."""

COMMAND = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
"""Commands: the newest always arrives, and an old one never after a newer one."""

LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
"""States: whoever joins late gets the last one."""

DESCRIPTION = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
"""Subscribers of robot_description: the one of every publisher, of which there may be several by mistake."""

LATCHED_HISTORY = QoSProfile(
    depth=10, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
)
"""Records, such as episodes: whoever joins late gets the last ten."""
