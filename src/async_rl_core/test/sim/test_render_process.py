"""OpenGL in a process of its own: the same images, and an end in every case."""

import os
import select
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from async_rl_core.config.schema import Config
from async_rl_core.errors import SimulationError
from async_rl_core.sim.camera import make_renderer
from async_rl_core.sim.gl import GLRenderer, available_platforms
from async_rl_core.sim.render_process import RenderProcess
from async_rl_core.sim.scene import Array, Scene

pytestmark = pytest.mark.skipif(not available_platforms(), reason="no EGL or OSMesa on this system")
TARGET = (80.0, 45.0)

# A process that renders in this way, and what it has loaded then.
PROGRAM = """
import gymnasium
import async_rl_core.gym
env = gymnasium.make("async_rl/UR5Reacher-v0", preset="laptop", overrides={"sim.renderer": "gl"})
env.reset(seed=1)
for _ in range(3):
    env.step(env.action_space.sample())
libraries = {line.split("/")[-1].strip() for line in open("/proc/self/maps") if "/" in line}
print(sorted(name for name in libraries if any(part in name for part in ("LLVM", "_dri", "EGL", "OSMesa", "gallium"))))
env.close()
"""


@pytest.fixture
def process(scene: Scene) -> Iterator[RenderProcess]:
    made = RenderProcess(scene)
    yield made
    made.close()


def test_render_process_images_are_those_of_the_renderer(process: RenderProcess, scene: Scene, start: Array) -> None:
    here = GLRenderer(scene)
    generator = np.random.default_rng(3)
    try:
        for _ in range(10):
            position = start + generator.normal(0.0, 0.3, start.shape)
            target = (generator.uniform(0, 160), generator.uniform(0, 90))
            np.testing.assert_array_equal(process.render(position, target), here.render(position, target))
    finally:
        here.close()


def test_render_process_environment_with_opengl_loads_no_graphics_library_into_its_process() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=environment, timeout=100)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_render_process_close_ends_it_and_a_later_image_is_an_error(process: RenderProcess, start: Array) -> None:
    child = process._process
    process.close()
    process.close()
    assert child.returncode is not None
    with pytest.raises(SimulationError, match="the renderer is closed"):
        process.render(start, TARGET)


def test_render_process_dropped_renderer_ends_its_process(scene: Scene) -> None:
    dropped = RenderProcess(scene)
    child = dropped._process
    del dropped
    assert child.returncode is not None


def test_render_process_render_after_the_death_of_the_process_is_one_line(process: RenderProcess, start: Array) -> None:
    process._process.kill()
    with pytest.raises(SimulationError, match=r"^the process that renders ended \(-9\); set sim.renderer to raycast"):
        process.render(start, TARGET)


def test_render_process_process_ends_when_its_caller_is_killed() -> None:
    program = (
        "import os, signal\n"
        "from async_rl_core.config.load import resolve\n"
        "from async_rl_core.sim.render_process import RenderProcess\n"
        "from async_rl_core.sim.scene import Scene\n"
        "renderer = RenderProcess(Scene(resolve('laptop')))\n"
        "print(renderer._process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment, timeout=100)
    descriptor = _open_process(int(done.stdout))
    if descriptor is not None:
        assert select.select([descriptor], [], [], 30.0)[0], "the renderer outlived its caller"
        os.close(descriptor)


def test_render_process_caller_that_dies_during_the_start_leaves_no_traceback(config: Config) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        program = f"from async_rl_core.sim.render_process import serve; serve({theirs.fileno()})"
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        process = subprocess.Popen(
            [sys.executable, "-c", program], pass_fds=[theirs.fileno()], env=environment, stderr=subprocess.PIPE
        )
    content = config.model_dump_json().encode()
    ours.sendall(struct.pack("<Q", len(content)) + content)
    ours.close()
    assert (process.wait(100), process.communicate()[1]) == (0, b"")


def _open_process(pid: int) -> int | None:
    """A file descriptor that is readable once the process has ended; none where it has already."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None


def test_render_process_without_a_platform_the_reason_reaches_the_caller(
    config: Config, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("async_rl_core.sim.render_process._PROGRAM", _WITHOUT_OPENGL)
    choice = make_renderer(scene, in_process=False)
    assert choice.renderer.name == "raycast"
    assert "libegl1" in choice.reason
    demanding = Scene(config.model_copy(update={"sim": config.sim.model_copy(update={"renderer": "gl"})}))
    with pytest.raises(SimulationError, match="apt install libegl1"):
        make_renderer(demanding, in_process=False)


_WITHOUT_OPENGL = """
import sys
from async_rl_core.sim import gl
from async_rl_core.sim.render_process import serve
gl._LIBRARIES = {"egl": ("libNoSuchEGL.so.1",)}
serve(int(sys.argv[1]))
"""
