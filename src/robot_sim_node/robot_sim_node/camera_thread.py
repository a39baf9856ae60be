"""The camera's thread: renders the captured moments and publishes the images."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from async_rl_core.errors import SimulationError
from async_rl_core.sim.camera import Image, Renderer, RendererChoice, make_renderer
from async_rl_core.sim.disturbance import DelayLine, SensorNoise
from async_rl_core.sim.scene import Point, Scene

_START_TIMEOUT = 30.0  # seconds
_KEPT = 500  # measurements


@dataclass(frozen=True)
class CameraSnapshot:
    """A moment of capture: joint angles (joints,) in rad, the disc, steady time in s, and ROS time in nanoseconds."""

    position: NDArray[np.float64]
    target: Point
    time: float
    stamp: int


class CameraThread:
    """Renders snapshots in a thread of its own, so that no frame ever holds up the robot's loop.

    A snapshot that comes while the last is still waiting replaces it, as a camera would skip a frame.
    Raises `SimulationError` where the renderer that was asked for cannot be had.
    """

    def __init__(self, scene: Scene, noise: SensorNoise, publish: Callable[[Image, CameraSnapshot], None]) -> None:
        self._scene = scene
        self._noise = noise
        self._publish = publish
        self._delay: DelayLine[tuple[Image, CameraSnapshot]] = DelayLine(scene.config.sim.image_latency)
        self._condition = threading.Condition()
        self._pending: CameraSnapshot | None = None
        self._closing = False
        self._choice: RendererChoice | None = None
        self._ready = threading.Event()
        self.render_times: deque[float] = deque(maxlen=_KEPT)
        self.ages: deque[float] = deque(maxlen=_KEPT)  # seconds from capture to publication
        self.skipped = 0
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()
        if not self._ready.wait(_START_TIMEOUT):
            raise SimulationError(
                f"the camera's renderer did not start in {_START_TIMEOUT:.0f} s; try renderer:=raycast"
            )
        if isinstance(self.error, SimulationError):
            raise self.error

    @property
    def choice(self) -> RendererChoice:
        """The renderer in use, with the reason."""
        assert self._choice is not None  # set before the constructor returned
        return self._choice

    def capture(self, snapshot: CameraSnapshot) -> None:
        """Hands over a moment to render; returns at once."""
        with self._condition:
            if self._pending is not None:
                self.skipped += 1
            self._pending = snapshot
            self._condition.notify()

    def close(self) -> None:
        """Ends the thread and releases the graphics context."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        self._thread.join(timeout=2.0)

    def _run(self) -> None:
        try:
            # An OpenGL context belongs to the thread that made it.
            self._choice = make_renderer(self._scene)
            renderer = self._choice.renderer
            renderer.render(np.array(self._scene.config.robot.start), (0.0, 0.0))  # the first frame compiles shaders
            self._ready.set()
            self._serve(renderer)
            renderer.close()
        except Exception as error:  # handed to the node's loop, which ends the node with it
            self.error = error
        finally:
            self._ready.set()

    def _serve(self, renderer: Renderer) -> None:
        while (snapshot := self._next()) is not None or not self._closing:
            if snapshot is not None:
                started = time.perf_counter()
                image = renderer.render(snapshot.position, snapshot.target)
                self.render_times.append(time.perf_counter() - started)
                self._delay.push((self._noise.image(image), snapshot), time.monotonic())
            for image, captured in self._delay.due(time.monotonic()):
                self._publish(image, captured)
                self.ages.append(time.monotonic() - captured.time)

    def _next(self) -> CameraSnapshot | None:
        """Returns the next snapshot; None when a delayed image is due, or the thread is to end."""
        with self._condition:
            due = self._delay.next_due
            timeout = None if due is None else max(due - time.monotonic(), 0.0)
            self._condition.wait_for(lambda: self._pending is not None or self._closing, timeout)
            snapshot, self._pending = self._pending, None
            return None if self._closing else snapshot
