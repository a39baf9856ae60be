"""Quality of service of each kind of topic."""

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

SENSOR = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
"""Subscribers of images and joint states: the newest message only, from any driver."""

DRIVER = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
"""Publishers in place of a driver, and commands to one."""

COMMAND = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
"""Commands: the newest always arrives, and never an old one after it."""

LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
"""States: a late subscriber receives the last one."""

DESCRIPTION = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
"""Subscribers of robot_description: that of every publisher, in case there are several."""

LATCHED_HISTORY = QoSProfile(
    depth=10, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
)
"""Records such as episodes: a late subscriber receives the last ten."""
