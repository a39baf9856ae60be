"""Small experiments in a process of their own, so that one that crashes or hangs is only a finding."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from enum import Enum

TIMEOUT = 60.0
"""Seconds: a first import of torch from a cold disk takes many."""


class Probe(Enum):
    """The experiments: Python programs whose last line of output is the finding."""

    TRANSPORT = """
import ctypes, os
from async_rl_core.transport.shared_memory.service import Endpoint
endpoint = Endpoint(f"doctor{os.getpid()}", "doctor")
try:
    service = endpoint.service("check", lambda builder: builder.publish_subscribe(ctypes.c_uint64), "check")
    publisher, subscriber = service.publisher_builder().create(), service.subscriber_builder().create()
    publisher.send_copy(ctypes.c_uint64(7))
    sample = subscriber.receive()
    assert sample is not None and sample.payload().contents.value == 7, "what was sent did not arrive"
    sample.delete()
    subscriber.delete()
    publisher.delete()
    del sample, subscriber, publisher, service
finally:
    endpoint.close()
print("a service made, used and dropped")
"""
    RENDERER = """
import sys
from async_rl_core.config.load import resolve
from async_rl_core.sim.camera import make_renderer
from async_rl_core.sim.scene import Scene
choice = make_renderer(Scene(resolve(overrides={"sim.renderer": "auto"})))
print(f"{choice.renderer.name} {' '.join(choice.reason.split())}")
"""
    REAL_TIME = """
import os
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(20))
print("permitted")
"""
    TORCH = """
import torch
gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no CUDA GPU; the CPU learns"
print(f"{torch.__version__}, {gpu}")
"""


@dataclass(frozen=True)
class ProbeResult:
    """The outcome of an experiment, with its last line: the finding or the error."""

    works: bool
    text: str


def run_probe(probe: Probe, timeout: float = TIMEOUT) -> ProbeResult:
    """Runs one experiment for at most `timeout` seconds."""
    return run_code(probe.value, timeout)


def run_code(code: str, timeout: float = TIMEOUT) -> ProbeResult:
    """Runs a Python program whose last line of output is the finding, for at most `timeout` seconds."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
    except subprocess.TimeoutExpired:
        return ProbeResult(False, f"no answer within {timeout:g} s")
    except OSError as error:
        return ProbeResult(False, f"{sys.executable}: {error.strerror}")
    lines = (done.stdout if done.returncode == 0 else done.stderr or done.stdout).strip().splitlines()
    text = lines[-1] if lines else _end(done.returncode)
    return ProbeResult(done.returncode == 0, text)


def _end(code: int) -> str:
    """Returns how a process that printed nothing ended."""
    try:
        return f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    except ValueError:
        return f"ended by signal {-code}"
