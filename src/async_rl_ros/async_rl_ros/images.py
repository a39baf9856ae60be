"""CvBridge: the real one where ROS 2 has it, else our converter behind the same calls."""

try:
    from cv_bridge import CvBridge, CvBridgeError

    # What cv_bridge imports only when it is used, and fails to where NumPy is not the one it was compiled against.
    from cv_bridge.boost import cv_bridge_boost as _compiled  # noqa: F401
except ImportError:
    from async_rl_ros.image_converter import CvBridge, CvBridgeError

__all__ = ["CvBridge", "CvBridgeError"]
