"""The wrist camera: the interface of its renderers, and the choice of one."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.schema import Config
from async_rl_core.errors import SimulationError
from async_rl_core.sim.gl import GLRenderer
from async_rl_core.sim.raycast import RaycastRenderer
from async_rl_core.sim.render_process import RenderProcess
from async_rl_core.sim.scene import Array, Point, Scene

Image = NDArray[np.uint8]


class Renderer(Protocol):
    """Draws the view of the wrist camera. Only the thread that made it may use it."""

    name: str

    def render(self, position: Array, target: Point) -> Image:
        """Returns the image (height, width, 3), RGB, at joint angles `position` (rad) with the target at `target`."""

    def close(self) -> None:
        """Releases the graphics context."""


@dataclass(frozen=True)
class RendererChoice:
    """A renderer, with the reason where OpenGL was not chosen."""

    renderer: Renderer
    reason: str


def make_renderer(scene: Scene, in_process: bool = True) -> RendererChoice:
    """Returns the renderer that `sim.renderer` asks for; 'auto' takes OpenGL where it works.

    `in_process` False keeps OpenGL out of the calling process (see `RenderProcess`); ray casting needs no such care.
    Raises `SimulationError` where 'gl' is asked for and cannot be had.
    """
    wanted = scene.config.sim.renderer
    if wanted == "raycast":
        return RendererChoice(RaycastRenderer(scene), "sim.renderer is 'raycast'")
    try:
        return RendererChoice(GLRenderer(scene) if in_process else RenderProcess(scene), "")
    except SimulationError as error:
        if wanted == "gl":
            raise
        return RendererChoice(RaycastRenderer(scene), str(error))


def intrinsics(config: Config) -> Array:
    """Returns the camera matrix K (3, 3) of a pinhole with square pixels; its origin is the top left pixel's centre."""
    width, height = config.camera.width, config.camera.height
    focal = height / 2 / np.tan(np.deg2rad(config.robot.camera_fov) / 2)
    return np.array([[focal, 0.0, (width - 1) / 2], [0.0, focal, (height - 1) / 2], [0.0, 0.0, 1.0]])
