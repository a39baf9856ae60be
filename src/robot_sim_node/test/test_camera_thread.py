"""The camera's thread: never in the loop's way, and its failures are the node's."""

import queue

import numpy as np
import pytest

from async_rl_core.config.load import resolve
from async_rl_core.errors import SimulationError
from async_rl_core.sim import gl
from async_rl_core.sim.camera import Image
from async_rl_core.sim.disturbance import SensorNoise
from async_rl_core.sim.scene import Scene
from robot_sim_node.camera_thread import CameraSnapshot, CameraThread

Frames = queue.Queue[tuple[Image, CameraSnapshot]]


def scene(**overrides: object) -> Scene:
    return Scene(resolve("laptop", {"sim.renderer": "raycast", **overrides}))


def start(made: Scene, frames: Frames) -> CameraThread:
    return CameraThread(made, SensorNoise(made.config.sim, 0), lambda image, snapshot: frames.put((image, snapshot)))


def snapshot(made: Scene, stamp: int) -> CameraSnapshot:
    return CameraSnapshot(np.array(made.config.robot.start), (80.0, 45.0), 0.0, stamp)


@pytest.mark.parametrize("latency", [0.0, 0.05])
def test_camera_thread_frames_come_with_their_own_stamp(latency: float) -> None:
    made, frames = scene(**{"sim.image_latency": latency}), Frames()
    camera = start(made, frames)
    for stamp in (1, 2, 3):
        camera.capture(snapshot(made, stamp))
        image, captured = frames.get(timeout=10.0)
        assert captured.stamp == stamp
        assert image.shape == (made.config.camera.height, made.config.camera.width, 3)
    camera.close()
    assert camera.error is None
    assert len(camera.render_times) == 3


def test_camera_thread_waiting_snapshot_is_replaced_by_a_newer_one() -> None:
    made, frames = scene(), Frames()
    camera = start(made, frames)
    with camera._condition:  # the thread cannot take the first before the second is there
        camera.capture(snapshot(made, 1))
        camera.capture(snapshot(made, 2))
    assert frames.get(timeout=10.0)[1].stamp == 2
    camera.close()
    assert camera.skipped == 1
    assert frames.empty()


def test_camera_thread_failure_in_the_thread_is_kept_for_the_loop() -> None:
    made = scene()

    def fail(image: Image, snapshot: CameraSnapshot) -> None:
        raise RuntimeError("no publisher")

    camera = CameraThread(made, SensorNoise(made.config.sim, 0), fail)
    camera.capture(snapshot(made, 1))
    camera._thread.join(10.0)
    assert isinstance(camera.error, RuntimeError)
    camera.close()


def test_camera_thread_gl_that_cannot_be_had_is_raised_to_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gl, "_LIBRARIES", {})
    with pytest.raises(SimulationError, match="libegl1"):
        start(scene(**{"sim.renderer": "gl"}), Frames())
