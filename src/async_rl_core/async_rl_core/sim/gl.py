"""Rendering with OpenGL, headless: EGL, or OSMesa."""

import copy
import ctypes
import importlib
import os
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from async_rl_core.errors import SimulationError
from async_rl_core.sim.engine import mujoco
from async_rl_core.sim.scene import Array, Point, Scene
from async_rl_core.sim.visibility import HIDDEN_GROUP, ViewFrustum

# What each platform loads, and the packages (Debian, Ubuntu) that bring it.
_LIBRARIES = {"egl": ("libEGL.so.1", "libOpenGL.so.0"), "osmesa": ("libOSMesa.so.8|libOSMesa.so.6|libOSMesa.so",)}
PACKAGES = "'apt install libegl1 libopengl0 libgl1-mesa-dri' (EGL) or 'apt install libosmesa6' (OSMesa)"


class GLRenderer:
    """Draws by MuJoCo's OpenGL renderer into an off-screen buffer.

    Raises `SimulationError`, naming the packages to install, where no platform works.
    """

    name = "gl"

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._model = copy.copy(scene.model)  # its own, since the groups of the geoms change with the view
        self._data = mujoco.MjData(self._model)
        size = (scene.config.camera.width, scene.config.camera.height)
        self._viewport = mujoco.MjrRect(0, 0, *size)
        self._gl, self._context = _make_context(self._model, size)
        self._open = True
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._camera.fixedcamid = scene.camera
        self._options = mujoco.MjvOption()
        self._drawn = mujoco.MjvScene(self._model, maxgeom=self._model.ngeom + 8)
        self._frustum = ViewFrustum(self._model, scene.camera, size[0] / size[1])
        self._groups = self._model.geom_group.copy()
        for flag in ("SHADOW", "REFLECTION", "SKYBOX", "FOG", "HAZE"):
            self._drawn.flags[getattr(mujoco.mjtRndFlag, f"mjRND_{flag}")] = 0
        self._bottom_up = np.empty((size[1], size[0], 3), np.uint8)

    def render(self, position: Array, target: Point) -> NDArray[np.uint8]:
        """See `camera.Renderer`."""
        self._gl.make_current()  # another renderer of this thread may have been at work
        scene, data = self._scene, self._data
        scene.place(data, position, target)
        self._model.geom_group[:] = np.where(self._frustum.outside(data), HIDDEN_GROUP, self._groups)
        everything = mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(self._model, data, self._options, None, self._camera, everything, self._drawn)
        mujoco.mjr_render(self._viewport, self._drawn, self._context)
        mujoco.mjr_readPixels(self._bottom_up, None, self._viewport, self._context)
        return np.ascontiguousarray(self._bottom_up[::-1])

    def close(self) -> None:
        """Frees the graphics context; a second call does nothing."""
        if self._open:
            self._open = False
            self._gl.make_current()
            self._context.free()
            self._gl.free()

    def __del__(self) -> None:
        """Closes a renderer that was dropped: MuJoCo would free its objects in whichever context is current."""
        if getattr(self, "_open", False) and not sys.is_finalizing():  # at the end EGL has freed everything
            self.close()


def available_platforms() -> list[str]:
    """Returns the platforms whose libraries load, in order of preference; `MUJOCO_GL` may name one."""
    requested = os.environ.get("MUJOCO_GL", "").strip().lower()
    wanted = [requested] if requested in _LIBRARIES else list(_LIBRARIES)
    return [platform for platform in wanted if all(map(_loads, _LIBRARIES[platform]))]


def _loads(names: str) -> bool:
    for name in names.split("|"):
        try:
            ctypes.CDLL(name)
            return True
        except OSError:
            continue
    return False


def _make_context(model: mujoco.MjModel, size: tuple[int, int]) -> tuple[Any, Any]:
    tried = []
    for platform in available_platforms():
        # Mesa's software rasteriser starts a thread per core, which would compete with the control loop.
        os.environ.setdefault("LP_NUM_THREADS", "0")
        try:
            gl = importlib.import_module(f"mujoco.{platform}").GLContext(*size)
            gl.make_current()
            context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_50)
            mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, context)
            return gl, context
        except Exception as error:  # every platform and driver fails in a way of its own; all mean: not this one
            tried.append(f"{platform}: {' '.join(str(error).split())}")
    what = "; ".join(tried) or "no EGL or OSMesa library on this system"
    raise SimulationError(f"OpenGL cannot render here ({what}); {PACKAGES} brings it, or set renderer:=raycast")
