"""Geoms that the wrist camera cannot see: leaving them out saves the renderer their vertices."""

import numpy as np
from numpy.typing import NDArray

from async_rl_core.sim.engine import mujoco
from async_rl_core.sim.scene import Array

HIDDEN_GROUP = 5
"""MuJoCo's geom group of the geoms that are left out; `MjvOption` hides it by default."""

_SLACK = 1e-3
"""Metres by which a geom must be outside: the renderer works in single precision."""
_PLANE = int(mujoco.mjtGeom.mjGEOM_PLANE)
_SIGNS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float64)


class ViewFrustum:
    """Finds the geoms whose bounding boxes lie wholly outside one side of a camera's field of view.

    Args:
        model: compiled model.
        camera: index of the camera.
        aspect: width of the image over its height.
    """

    def __init__(self, model: mujoco.MjModel, camera: int, aspect: float) -> None:
        self._camera = camera
        boxes = model.geom_aabb.reshape(-1, 6).copy()
        planes = model.geom_type == _PLANE
        boxes[planes, :3] = 0.0
        boxes[planes, 3:] = np.where(model.geom_size[planes] > 0, model.geom_size[planes], np.inf)
        boxes[planes, 5] = 0.0
        # An infinite plane has no corners; it is always kept.
        self._always = ~np.isfinite(boxes).all(axis=1)
        boxes[self._always] = 0.0
        self._corners = boxes[:, None, :3] + boxes[:, None, 3:] * _SIGNS  # (geoms, 8, 3) in the geoms' frames
        vertical = np.tan(np.deg2rad(model.cam_fovy[camera]) / 2)
        horizontal = vertical * aspect
        # Rows: inward normals of the four sides and of the view direction, in the camera's frame (-z forward, y up).
        normals = np.array(
            [[1, 0, -horizontal], [-1, 0, -horizontal], [0, 1, -vertical], [0, -1, -vertical], [0, 0, -1]]
        )
        self._normals: Array = normals / np.linalg.norm(normals, axis=1, keepdims=True)

    def outside(self, data: mujoco.MjData) -> NDArray[np.bool_]:
        """Returns whether each geom (geoms,) is out of view; `data` holds the poses of geoms and cameras."""
        rotation = data.cam_xmat[self._camera].reshape(3, 3)
        to_camera = self._normals @ rotation.T  # (5, 3), in the world's frame
        turned = np.einsum("sw,gwl->gsl", to_camera, data.geom_xmat.reshape(-1, 3, 3))
        centers = (data.geom_xpos - data.cam_xpos[self._camera]) @ to_camera.T
        distances = np.matmul(turned, self._corners.transpose(0, 2, 1)) + centers[:, :, None]
        hidden: NDArray[np.bool_] = (distances.max(axis=2) < -_SLACK).any(axis=1) & ~self._always
        return hidden
