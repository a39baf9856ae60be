"""Promise 10: no reader accepts torn policy parameters, even if the writer is killed while it writes."""

import mmap
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import numpy as np

from async_rl_core.transport.shared_memory.parameters import ParameterPublisher, ParameterSubscriber
from async_rl_core.transport.shared_memory.service import Endpoint, clean_up_dead
from faults.campaign import Campaign, mutation
from faults.report import Row

SIZE = 1024
"""float32 in a blob: small, so that reads and writes meet often."""
NAIVE_TIMEOUT = 10.0
KILL_EVERY = 1.0
"""Mean life of a writer in seconds, after its first second."""


def torn(campaign: Campaign, random: Random) -> list[Row]:
    """Measures a fast writer killed at random moments: each blob read must be of one version."""
    reads = campaign.repeats(short=2_000, long=10_000_000)
    broken, killed = _read(f"{campaign.domain}", reads, random)
    measured = f"{broken} torn of {reads:,} reads of a new version, the writer killed {killed} times"
    promise = "policy parameters in shared memory"
    mutations = mutation(campaign, "publication of whole blobs (a naive copy instead)", _naive)
    return [Row(10, promise, "0 torn reads, also when the writer is killed", measured, reads, broken == 0, mutations)]


def _read(domain: str, reads: int, random: Random) -> tuple[int, int]:
    """Returns the number of torn reads among `reads` of a new version, and of killed writers."""
    endpoint = Endpoint(domain, "reader")
    subscriber = ParameterSubscriber(endpoint, SIZE)
    done = broken = killed = 0
    writer = _writer("iceoryx2", domain)
    dies = time.monotonic() + 1.0 + random.expovariate(1 / KILL_EVERY)
    while done < reads:
        parameters = subscriber.newest()
        if parameters is not None:
            done += 1
            broken += bool((parameters.values != np.float32(parameters.version % 2**20)).any())
        if time.monotonic() > dies:
            writer.send_signal(signal.SIGKILL)
            writer.wait()
            killed += 1
            clean_up_dead(domain)
            writer = _writer("iceoryx2", domain)
            dies = time.monotonic() + 1.0 + random.expovariate(1 / KILL_EVERY)
    writer.kill()
    writer.wait()
    endpoint.close()
    return broken + subscriber.rejected, killed


def _naive() -> str:
    """Returns which read of a plain shared buffer is torn, as text."""
    with _shared_buffer() as (path, buffer):
        values = np.frombuffer(buffer, np.float32)
        writer = _writer("naive", path)
        done, torn, end = 0, False, time.monotonic() + NAIVE_TIMEOUT
        while not torn and time.monotonic() < end:
            copy = values.copy()
            done += bool(copy[0])  # zero until the writer writes
            torn = bool((copy != copy[0]).any())
        writer.kill()
        writer.wait()
        del values
    return f"read {done} is torn" if torn else ""


@contextmanager
def _shared_buffer() -> Iterator[tuple[str, mmap.mmap]]:
    with tempfile.NamedTemporaryFile(dir="/dev/shm", prefix="faults-") as file:
        os.posix_fallocate(file.fileno(), 0, 4 * SIZE)
        with mmap.mmap(file.fileno(), 4 * SIZE) as buffer:
            yield file.name, buffer


def _writer(kind: str, where: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", __name__, kind, where])


def _publish(domain: str) -> None:
    publisher = ParameterPublisher(Endpoint(domain, "writer"), SIZE)
    version = 0
    while True:
        version += 1
        publisher.publish(version, version, np.full(SIZE, version % 2**20, np.float32))


def _overwrite(path: str) -> None:
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 4 * SIZE) as buffer:
        values = np.frombuffer(buffer, np.float32)
        version = 0
        while True:
            version += 1
            values[:] = version % 2**20


if __name__ == "__main__":
    {"iceoryx2": _publish, "naive": _overwrite}[sys.argv[1]](sys.argv[2])
