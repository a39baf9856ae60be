"""The scene of a simulated run, with the renderer of its camera."""

from async_rl_core.config.schema import Config
from async_rl_core.sim.camera import make_renderer
from async_rl_core.sim.scene import Scene


class RenderedScene:
    """Scene and renderer. Several runs may use them one after the other, if only the seeds of the runs differ.

    A task without a camera has no renderer.

    OpenGL runs in a process of its own, so that it cannot clash with the libraries of a learner in this process.
    Raises `SimulationError` where the robot's model or the renderer cannot be had.
    """

    def __init__(self, config: Config) -> None:
        self.scene = Scene(config)
        uses_camera = self.scene.task.uses_camera
        self.renderer = make_renderer(self.scene, in_process=False).renderer if uses_camera else None

    def close(self) -> None:
        """Ends the renderer."""
        if self.renderer is not None:
            self.renderer.close()
