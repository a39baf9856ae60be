"""Rotations in ROS's order x, y, z, w: tf_transformations where installed, otherwise the same over transforms3d."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from transforms3d.quaternions import mat2quat, quat2mat


def own_quaternion_from_matrix(matrix: ArrayLike) -> NDArray[np.float64]:
    """Returns the quaternion (4,), w >= 0, of a homogeneous transform (4, 4) or a rotation (3, 3)."""
    w, x, y, z = mat2quat(np.asarray(matrix, np.float64)[:3, :3])
    return np.array([x, y, z, w])


def own_quaternion_matrix(quaternion: ArrayLike) -> NDArray[np.float64]:
    """Returns the homogeneous transform (4, 4) of a quaternion (4,), which need not be of unit length."""
    x, y, z, w = np.asarray(quaternion, np.float64)
    matrix = np.eye(4)
    matrix[:3, :3] = quat2mat([w, x, y, z])
    return matrix


try:
    from tf_transformations import quaternion_from_matrix, quaternion_matrix
except ImportError:
    quaternion_from_matrix, quaternion_matrix = own_quaternion_from_matrix, own_quaternion_matrix

__all__ = ["own_quaternion_from_matrix", "own_quaternion_matrix", "quaternion_from_matrix", "quaternion_matrix"]
