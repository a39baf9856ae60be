"""Rendering by ray casting, without a graphics library."""

import copy

import numpy as np
from numpy.typing import NDArray

from async_rl_core.sim.engine import mujoco
from async_rl_core.sim.scene import AMBIENT, DIFFUSE, Array, Point, Scene
from async_rl_core.sim.visibility import HIDDEN_GROUP, ViewFrustum


class RaycastRenderer:
    """Casts one ray per pixel and shades the geom that it meets as the OpenGL renderer does."""

    name = "raycast"

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._model = copy.copy(scene.model)  # its own, since the groups of the geoms change with the view
        self._data = mujoco.MjData(self._model)
        camera = scene.config.camera
        self._frustum = ViewFrustum(self._model, scene.camera, camera.width / camera.height)
        self._groups = self._model.geom_group.copy()
        self._visible_groups = np.arange(mujoco.mjNGROUP, dtype=np.uint8) != HIDDEN_GROUP
        self._shape = (camera.height, camera.width)
        self._directions = _pixel_directions(camera.width, camera.height, scene.config.robot.camera_fov)
        rays = camera.height * camera.width
        self._vectors = np.empty((rays, 3))
        self._geoms = np.empty(rays, np.int32)
        self._distances = np.empty(rays)
        self._normals = np.empty((rays, 3))
        # One row per geom, and a black one at the end for a ray that meets nothing (geom -1).
        colours = np.vstack([scene.model.geom_rgba[:, :3], np.zeros(3)])
        self._colours = (255.0 * scene.config.sim.lighting * colours).astype(np.float32)

    def render(self, position: Array, target: Point) -> NDArray[np.uint8]:
        """See `camera.Renderer`."""
        scene, data = self._scene, self._data
        scene.place(data, position, target)
        self._model.geom_group[:] = np.where(self._frustum.outside(data), HIDDEN_GROUP, self._groups)
        rotation = data.cam_xmat[scene.camera].reshape(3, 3)
        np.matmul(self._directions, rotation.T, out=self._vectors)
        mujoco.mj_multiRay(
            self._model,
            data,
            data.cam_xpos[scene.camera],
            self._vectors.reshape(-1),
            self._visible_groups.view(np.uint8),
            True,
            -1,
            self._geoms,
            self._distances,
            self._normals.reshape(-1),
            len(self._geoms),
            mujoco.mjMAXVAL,
        )
        cosine = self._normals @ rotation[:, 2]  # the headlight shines along the view, which is -z
        brightness = (AMBIENT + DIFFUSE * np.maximum(cosine, 0.0)).astype(np.float32)
        shaded = self._colours[self._geoms] * brightness[:, None]
        image: NDArray[np.uint8] = (np.minimum(shaded, 255.0) + 0.5).astype(np.uint8)
        return image.reshape(*self._shape, 3)

    def close(self) -> None:
        """Does nothing: no resource is held."""


def _pixel_directions(width: int, height: int, fov: float) -> Array:
    """Returns unit vectors (height * width, 3) through the pixels, in MuJoCo's camera frame (-z forward, y up)."""
    focal = height / 2 / np.tan(np.deg2rad(fov) / 2)
    x = (np.arange(width) + 0.5 - width / 2) / focal
    y = (height / 2 - np.arange(height) - 0.5) / focal
    grid = np.stack([*np.meshgrid(x, y), np.full((height, width), -1.0)], axis=-1).reshape(-1, 3)
    return np.asarray(grid / np.linalg.norm(grid, axis=1, keepdims=True))
