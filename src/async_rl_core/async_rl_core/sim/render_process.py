"""OpenGL rendering in a process of its own, so that no graphics library is loaded into the caller's process.

Mesa, the usual software OpenGL, loads LLVM with its symbols visible to every library that is loaded later. A library
with an LLVM of its own, such as triton, which torch's optimisers import, then crashes the process.
"""

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import weakref

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.schema import Config
from async_rl_core.errors import AsyncRLError, SimulationError
from async_rl_core.sim.gl import GLRenderer
from async_rl_core.sim.scene import Array, Point, Scene

START_TIMEOUT = 120.0
"""Seconds for the process to start and to compile the scene: a busy machine needs many."""
REPLY_TIMEOUT = 60.0
"""Seconds for one image."""

_LENGTH = struct.Struct("<Q")


class RenderProcess:
    """A `GLRenderer` behind a socket: joint angles and target go out, the image comes back.

    The images are those of `GLRenderer`, bit for bit. The process ends when this object is closed or dropped, or when
    the calling process ends. A process that was forked from the caller must make a renderer of its own.

    Raises `SimulationError` where the process cannot start, or no OpenGL platform works.
    """

    name = "gl"

    def __init__(self, scene: Scene) -> None:
        camera = scene.config.camera
        self._shape = (camera.height, camera.width, 3)
        self._owner = os.getpid()
        self._socket, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", _PROGRAM, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the caller, who then closes this
                env=_environment(),
            )
        self._process = process
        self._end = weakref.finalize(self, _end, process, self._socket, self._owner)
        try:
            self._socket.settimeout(START_TIMEOUT)
            _send(self._socket, scene.config.model_dump_json().encode())
            error = _receive(self._socket).decode()
        except OSError as problem:
            error = self._problem(problem)
        if error:
            self.close()
            raise SimulationError(error)
        self._socket.settimeout(REPLY_TIMEOUT)

    def render(self, position: Array, target: Point) -> NDArray[np.uint8]:
        """See `camera.Renderer`. Raises `SimulationError` where the process does not answer."""
        if os.getpid() != self._owner:
            raise SimulationError(
                "a renderer does not survive a fork; make the environment in the process that uses it"
            )
        image = np.empty(self._shape, np.uint8)
        try:
            self._socket.sendall(np.concatenate([position, target], dtype=np.float64).tobytes())
            _receive_into(self._socket, image.reshape(-1).data)
        except OSError as problem:
            error = self._problem(problem)
            self.close()
            raise SimulationError(error) from None
        return image

    def close(self) -> None:
        """Ends the process, and with it its graphics context; a second call does nothing."""
        self._end()

    def _problem(self, problem: OSError) -> str:
        if not self._end.alive:
            return "the renderer is closed; make another"
        try:
            code: object = self._process.wait(0.0 if isinstance(problem, TimeoutError) else 5.0)
        except subprocess.TimeoutExpired:
            code = f"no answer: {problem}"
        return f"the process that renders ended ({code}); set sim.renderer to raycast, which needs no OpenGL"


def serve(descriptor: int) -> None:
    """Renders for the process at the other end of a socket until that end is closed, or that process dies."""
    with socket.socket(fileno=descriptor) as caller, contextlib.suppress(OSError):
        config = Config.from_values(json.loads(_receive(caller)))
        try:
            renderer = GLRenderer(Scene(config))
        except AsyncRLError as error:
            _send(caller, str(error).encode())
            return
        with contextlib.closing(renderer):
            _send(caller, b"")
            request = np.empty(len(config.robot.joints) + 2)
            while True:
                _receive_into(caller, request.view(np.uint8).data)
                caller.sendall(renderer.render(request[:-2], (float(request[-2]), float(request[-1]))).data)


_PROGRAM = """
import sys
from async_rl_core.sim.render_process import serve
serve(int(sys.argv[1]))
"""


def _environment() -> dict[str, str]:
    path = os.pathsep.join(filter(None, sys.path))
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return {**os.environ, **single, "PYTHONPATH": path}


def _end(process: "subprocess.Popen[bytes]", connection: socket.socket, owner: int) -> None:
    connection.close()
    if os.getpid() == owner:  # a forked process only drops its copy
        process.send_signal(signal.SIGKILL)  # it holds nothing that must be kept
        process.wait()


def _send(connection: socket.socket, content: bytes) -> None:
    connection.sendall(_LENGTH.pack(len(content)) + content)


def _receive(connection: socket.socket) -> bytes:
    head = bytearray(_LENGTH.size)
    _receive_into(connection, memoryview(head))
    content = bytearray(_LENGTH.unpack(head)[0])
    _receive_into(connection, memoryview(content))
    return bytes(content)


def _receive_into(connection: socket.socket, buffer: memoryview) -> None:
    while buffer:
        count = connection.recv_into(buffer)
        if count == 0:
            raise ConnectionResetError("connection closed")
        buffer = buffer[count:]
