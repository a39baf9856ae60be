"""The scene of a simulated run and the renderer of its camera."""

from async_rl_core.config.schema import Config
from async_rl_core.sim.camera import make_renderer
from async_rl_core.sim.scene import Scene


class RenderedScene:
    """Scene and renderer. Several runs may use them one after the other, if only the seeds of the runs differ.

    OpenGL runs in a process of its own, so that it cannot clash with the libraries of a learner in this process.
    Raises `SimulationError` where the robot's model or the renderer cannot be had.
    """

    def __init__(self, config: Config) -> None:
        self.scene = Scene(config)
        self.renderer = make_renderer(self.scene, in_process=False).renderer

    def close(self) -> None:
        """Ends the renderer."""
        self.renderer.close()
