"""The frames of the simulated robot, for tf."""

from builtin_interfaces.msg import Time
from rclpy.node import Node
from tf2_msgs.msg import TFMessage

from async_rl_core import topics
from async_rl_core.sim.frames import LinkFrames
from async_rl_core.sim.scene import Array, Scene
from async_rl_ros import qos
from robot_sim_node import messages


class FramePublisher:
    """Publishes the fixed frames on /tf_static at once, and the moving ones on /tf when asked."""

    def __init__(self, node: Node, scene: Scene) -> None:
        self._frames = LinkFrames(scene)
        self._moving = node.create_publisher(TFMessage, topics.TRANSFORMS, qos.DRIVER)
        self._fixed = node.create_publisher(TFMessage, topics.STATIC_TRANSFORMS, qos.LATCHED)
        stamp = node.get_clock().now().to_msg()
        fixed = [messages.transform_message(frame, stamp) for frame in self._frames.fixed()]
        self._fixed.publish(TFMessage(transforms=fixed))

    def publish(self, position: Array, stamp: Time) -> None:
        """Publishes the links at joint angles (joints,) in command order, in rad."""
        moving = [messages.transform_message(frame, stamp) for frame in self._frames.moving(position)]
        self._moving.publish(TFMessage(transforms=moving))
