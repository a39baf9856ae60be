"""Rotations in ROS's order x, y, z, w: tf_transformations where ROS 2 has it, else ours behind the same calls."""

try:
    from tf_transformations import quaternion_from_matrix, quaternion_matrix
except ImportError:
    from async_rl_ros.quaternions import quaternion_from_matrix, quaternion_matrix

__all__ = ["quaternion_from_matrix", "quaternion_matrix"]
