"""A domain of its own for every test, from which nothing may be left; and other processes."""

import contextlib
import importlib.util
import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from async_rl_core.transport.shared_memory.domain import SHARED_MEMORY
from async_rl_core.transport.shared_memory.service import Endpoint, clean_up_dead

PEER = Path(__file__).with_name("peer.py")
_numbers = itertools.count()


class Peer:
    """A process that runs `peer.py`."""

    def __init__(self, role: str, domain: str) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self.process = subprocess.Popen(
            [sys.executable, str(PEER), role, domain],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert self.hear() == "ready"

    def say(self, word: object) -> None:
        """Send a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        """Wait for a line."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, word: object) -> str:
        """Send a line and wait for the answer."""
        self.say(word)
        return self.hear()

    def end(self) -> None:
        """Let it end by itself."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait() == 0

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()


def leftovers(domain: str) -> list[Path]:
    """Returns the files of the domain in shared memory."""
    return [*SHARED_MEMORY.glob(f"async_rl-*-{domain}"), *SHARED_MEMORY.glob(f"async_rl-*-{domain}-*")]


@pytest.fixture
def domain() -> Iterator[str]:
    """A domain that is empty, and must be empty again."""
    name = f"test{os.getpid()}_{next(_numbers)}"
    yield name
    clean_up_dead(name)
    assert not leftovers(name)


@pytest.fixture
def endpoint(domain: str) -> Iterator[Endpoint]:
    """This process in the domain."""
    endpoint = Endpoint(domain, "test")
    yield endpoint
    endpoint.close()


@pytest.fixture
def start_peer(domain: str) -> Iterator[Callable[[str], Peer]]:
    """Starts other processes in the domain, by role."""
    peers: list[Peer] = []

    def start(role: str) -> Peer:
        peers.append(Peer(role, domain))
        return peers[-1]

    yield start
    for peer in peers:
        peer.kill()
        for stream in (peer.process.stdin, peer.process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


@pytest.fixture(scope="session")
def peers() -> ModuleType:
    """The module `peer.py`: what both sides agree on."""
    spec: Any = importlib.util.spec_from_file_location("async_rl_transport_peer", PEER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
