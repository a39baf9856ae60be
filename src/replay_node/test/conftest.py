"""The replay node in a process of its own, in shared memory that no other run uses."""

import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from async_rl_core.config.load import resolve, write_config
from async_rl_core.config.schema import Config
from async_rl_core.transport.shared_memory.domain import SHARED_MEMORY
from async_rl_core.transport.shared_memory.service import Endpoint

TIMEOUT = 60.0
OVERRIDES = {
    "replay.capacity": 1000,
    "agent.initial_steps": 30,
    "learner.max_updates_per_step": 1.0,
    "learning.batch_size": 16,
}
StartNode = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return resolve("laptop", OVERRIDES | {"run_dir": str(tmp_path)})


@pytest.fixture
def domain() -> str:
    """Shared memory that no other run knows. Topics are kept apart by a namespace instead."""
    return f"test_{uuid.uuid4().hex[:12]}"


@pytest.fixture
def endpoint(domain: str) -> Iterator[Endpoint]:
    endpoint = Endpoint(domain, "test")
    yield endpoint
    endpoint.close()
    assert not [*SHARED_MEMORY.glob(f"async_rl-*-{domain}*")]


@pytest.fixture
def start_node(tmp_path: Path, domain: str) -> Iterator[StartNode]:
    processes: list[subprocess.Popen[str]] = []

    def start(config: Config, namespace: str = "/test") -> "subprocess.Popen[str]":
        path = tmp_path / f"config{len(processes)}.yaml"
        write_config(config, path)
        code = (
            f"import {Endpoint.__module__} as s; s.domain_from_environment = lambda: {domain!r}; "
            f"import async_rl_core.replay.journal.journal as j; j.CLOSE_TIMEOUT = {TIMEOUT}; "  # a disk may be busy
            "from replay_node.node import main; main()"
        )
        arguments = ["--ros-args", "-r", f"__ns:={namespace}", "-p", f"config:={path}"]
        process = subprocess.Popen([sys.executable, "-c", code, *arguments], stderr=subprocess.PIPE, text=True)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()
