"""Stand-in for what the suite uses of tf_transformations, over transforms3d. Quaternions are x, y, z, w, as in ROS."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from transforms3d.quaternions import mat2quat, quat2mat


def quaternion_from_matrix(matrix: ArrayLike) -> NDArray[np.float64]:
    """Quaternion (4,), w >= 0, of a homogeneous transform (4, 4) or a rotation (3, 3)."""
    w, x, y, z = mat2quat(np.asarray(matrix, np.float64)[:3, :3])
    return np.array([x, y, z, w])


def quaternion_matrix(quaternion: ArrayLike) -> NDArray[np.float64]:
    """Homogeneous transform (4, 4) of a quaternion (4,), which need not be of unit length."""
    x, y, z, w = np.asarray(quaternion, np.float64)
    matrix = np.eye(4)
    matrix[:3, :3] = quat2mat([w, x, y, z])
    return matrix
