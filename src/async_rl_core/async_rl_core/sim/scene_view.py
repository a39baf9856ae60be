"""The simulated scene at one moment, as a task sees it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from async_rl_core.errors import SimulationError
from async_rl_core.sim.engine import mujoco
from async_rl_core.sim.scene import Scene


class MujocoSceneView:
    """Positions in the simulated scene, and MuJoCo's model and data for all else.

    Args:
        scene: compiled scene.
        data: its state; the poses of the bodies are brought up to date.
        episode: number of the episode that runs or begins.
    """

    def __init__(self, scene: Scene, data: mujoco.MjData, episode: int) -> None:
        self._scene = scene
        self.model, self.data, self.episode = scene.model, data, episode
        mujoco.mj_kinematics(scene.model, data)

    def position(self, body: str) -> NDArray[Any]:
        """Returns the position (3,) of a body in the workspace frame, in metres. Raises `SimulationError`."""
        index = mujoco.mj_name2id(self.model, mujoco.mjtObj.mjOBJ_BODY, body)
        if index < 0:
            raise SimulationError(f"the simulated scene has no body '{body}'")
        offset = self.data.xpos[index] - self._scene.workspace_position
        return np.asarray(self._scene.workspace_rotation.T @ offset)
