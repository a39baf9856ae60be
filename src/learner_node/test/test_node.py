"""The node in a process of its own, between a replay process's and an agent's ends of shared memory."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import rclpy
from rclpy.node import Node

from async_rl_core.algorithms.base import Algorithm
from async_rl_core.algorithms.registry import make_algorithm, make_policy
from async_rl_core.config.load import resolve, write_config
from async_rl_core.config.schema import Config
from async_rl_core.learning.checkpoint import restore
from async_rl_core.learning.checkpoint_file import newest_first, read_checkpoint
from async_rl_core.spec.batch import Batch, BatchLayout
from async_rl_core.spec.observation import ObservationSpec
from async_rl_core.transport.shared_memory.batches import BatchServer
from async_rl_core.transport.shared_memory.parameters import ParameterSubscriber
from async_rl_core.transport.shared_memory.service import Endpoint, clean_up_dead, in_use
from async_rl_core.transport.shared_memory.steps import REPLAY
from async_rl_core.transport.shared_memory.wakeup import Listener
from async_rl_interfaces.msg import LearnerState

TIMEOUT = 100.0
"""Seconds; the learner yields to everything, so on a busy machine it starts slowly."""
RUN = "from learner_node import node; node.background = lambda: 'as any other'; node.main()"
"""Scheduled as any other process: beside tests that work, one at nice 19 gets a hundredth of a core."""
SMALL = {"learning.batch_size": 8, "sac.hidden_sizes": [16], "sac.encoder_channels": 4, "learner.metrics_period": 5}


@pytest.fixture
def domain() -> str:
    """Shared memory that no other run knows. Topics are kept apart by a namespace instead."""
    return f"test_{uuid.uuid4().hex[:12]}"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return resolve("laptop", SMALL | {"run_dir": str(tmp_path / "run"), "learner.checkpoint_period": 0.5})


@pytest.fixture
def listener() -> Iterator[Node]:
    rclpy.init()
    node = rclpy.create_node("listener", namespace=f"test_{uuid.uuid4().hex}")
    yield node
    node.destroy_node()
    rclpy.shutdown()


class Surroundings:
    """Replay's and the agent's side of one domain."""

    def __init__(self, domain: str, config: Config) -> None:
        self.domain = domain
        self.spec = ObservationSpec.from_config(config)
        self.policy = make_policy(config, threads=None)
        self.endpoint = Endpoint(domain, "test")
        self.server = BatchServer(self.endpoint, BatchLayout.from_config(config))
        self.subscriber = ParameterSubscriber(self.endpoint, self.policy.size)
        self.wakeup = Listener(self.endpoint, REPLAY)
        self.rng = np.random.default_rng(0)
        self.served = 0
        self.reward = 1.0
        self.newest = -1

    def fill(self, batch: Batch) -> None:
        """Write random transitions."""
        self.served += 1
        batch.header[:] = (self.served, 10 * self.served, self.served, 0)
        batch.observation_images[:] = self.rng.integers(0, 256, batch.observation_images.shape)
        batch.next_images[:] = self.rng.integers(0, 256, batch.next_images.shape)
        for array in (batch.observation_state, batch.next_state, batch.action):
            array[:] = self.rng.uniform(-1, 1, array.shape)
        batch.reward[:] = self.reward
        batch.bootstrap[:] = 0.99
        batch.weight[:] = 1

    def serve_until(self, condition: Callable[[], bool]) -> None:
        """Answer requests until something holds."""
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            assert time.monotonic() < deadline, "nothing came"
            self.wakeup.wait(0.02)
            self.server.serve(self.fill)

    def updates(self) -> int:
        """Load what was published last; return its updates, -1 where there was nothing yet."""
        if (parameters := self.subscriber.newest()) is not None:
            self.policy.load(parameters.values)
            self.newest = parameters.updates
        return self.newest

    def close(self) -> None:
        """Leave."""
        for port in (self.wakeup, self.subscriber, self.server, self.endpoint):
            port.close()


@pytest.fixture
def surroundings(domain: str, config: Config) -> Iterator[Surroundings]:
    surroundings = Surroundings(domain, config)
    yield surroundings
    surroundings.close()


Launch = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def launch(tmp_path: Path, domain: str) -> Iterator[Launch]:
    """Starts the node; none outlives the test."""
    processes: list[subprocess.Popen[str]] = []

    def start(config: Config, namespace: str = "/test") -> "subprocess.Popen[str]":
        path = tmp_path / "config.yaml"
        write_config(config, path)
        service = "async_rl_core.transport.shared_memory.service"
        code = f"import {service} as s; s.domain_from_environment = lambda: {domain!r}; {RUN}"
        arguments = ["--ros-args", "-r", f"__ns:={namespace}", "-p", f"config:={path}"]
        process = subprocess.Popen([sys.executable, "-c", code, *arguments], stderr=subprocess.PIPE, text=True)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()
    clean_up_dead(domain)


def wait_until_ready(process: "subprocess.Popen[str]") -> None:
    """Read what it says until it says that it learns; the test's own time limit ends the wait."""
    assert process.stderr is not None
    for line in process.stderr:
        if "learning on" in line:
            return
    raise AssertionError(f"it ended with {process.wait()}")


def finish(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Wait for the end; return exit code and what was said."""
    _, said = process.communicate(timeout=TIMEOUT)
    return process.returncode, said


def test_learner_node_learns_publishes_reports_and_ends(
    tmp_path: Path, launch: Launch, config: Config, surroundings: Surroundings, listener: Node
) -> None:
    states: list[LearnerState] = []
    namespace = listener.get_namespace()
    listener.create_subscription(LearnerState, "learner_node/state", states.append, 1)
    process = launch(config, namespace)

    def heard() -> bool:
        rclpy.spin_once(listener, timeout_sec=0.0)
        return bool(states) and states[-1].updates >= 10

    deadline = time.monotonic() + TIMEOUT
    while surroundings.updates() < 0:  # the first policy comes before any batch
        assert time.monotonic() < deadline and process.poll() is None
        surroundings.wakeup.wait(0.05)
    initial = make_algorithm(config, "cpu").policy_parameters().copy()
    np.testing.assert_array_equal(surroundings.policy._parameters, initial)

    surroundings.serve_until(lambda: surroundings.updates() >= 10)
    assert not np.array_equal(surroundings.policy._parameters, initial)
    surroundings.serve_until(heard)
    state = states[-1]
    metrics = dict(zip(state.metric, state.value, strict=True))
    assert state.env_steps >= 100 and {"critic_loss", "alpha", "update_p50_ms", "wait_p99_ms"} <= set(metrics)

    process.send_signal(signal.SIGINT)
    code, said = finish(process)
    assert code == 0, said
    run_dir = tmp_path / "run"
    assert 1 <= len(list((run_dir / "checkpoints").iterdir())) <= 2
    learner = last_state(config, surroundings)
    surroundings.updates()
    assert learner.updates == surroundings.newest  # the last word of the run
    np.testing.assert_array_equal(learner.policy_parameters(), surroundings.policy._parameters)
    lines = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    assert [line["updates"] for line in lines[:2]] == [5, 10]
    assert list((run_dir / "tensorboard").iterdir())


def last_state(config: Config, surroundings: Surroundings) -> Algorithm:
    """The learner of the run's newest checkpoint."""
    assert config.run_dir is not None
    algorithm = make_algorithm(config.model_copy(update={"seed": 99}), "cpu")
    newest = newest_first(config.run_dir / "checkpoints")[0]
    restore(algorithm, read_checkpoint(newest), newest)
    return algorithm


def test_learner_node_killed_resumes_from_its_checkpoint(
    launch: Launch, config: Config, surroundings: Surroundings
) -> None:
    assert config.run_dir is not None
    folder = config.run_dir / "checkpoints"
    process = launch(config)
    surroundings.serve_until(lambda: len(newest_first(folder)) > 0)
    process.kill()
    process.wait()
    killed = last_state(config, surroundings)
    surroundings.updates()
    surroundings.newest = -1

    process = launch(config)
    deadline = time.monotonic() + TIMEOUT
    while surroundings.updates() < 0:  # its policy comes before any batch
        assert time.monotonic() < deadline and process.poll() is None
        surroundings.wakeup.wait(0.05)
    assert surroundings.newest == killed.updates
    np.testing.assert_array_equal(surroundings.policy._parameters, killed.policy_parameters())
    surroundings.serve_until(lambda: surroundings.updates() >= killed.updates + 10)
    process.send_signal(signal.SIGTERM)
    code, said = finish(process)
    assert code == 0 and f"from update {killed.updates}" in said, said
    assert last_state(config, surroundings).updates >= killed.updates + 10
    lines = [json.loads(line)["updates"] for line in (config.run_dir / "metrics.jsonl").read_text().splitlines()]
    assert lines == sorted(set(lines)) and len(lines) >= 2


def test_learner_node_stopped_before_the_first_batch_leaves_no_files(
    launch: Launch, domain: str, config: Config
) -> None:
    process = launch(config)
    wait_until_ready(process)
    assert len(in_use(domain)) >= 3
    process.send_signal(signal.SIGTERM)
    code, said = finish(process)
    assert code == 0, said
    assert in_use(domain) == []
    assert not list(Path("/dev/shm").glob(f"async_rl-{os.getuid()}-{domain}*"))


def test_learner_node_that_diverges_ends_with_one_line(
    launch: Launch, config: Config, surroundings: Surroundings
) -> None:
    surroundings.reward = 1e30
    process = launch(config)
    surroundings.serve_until(lambda: process.poll() is not None)
    code, said = finish(process)
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert code == 2 and len(errors) == 1 and "a loss was not finite by update 0" in errors[0], said
    assert surroundings.updates() <= 0  # nothing but the initial policy was published


def test_learner_node_beside_another_is_refused_by_name(launch: Launch, domain: str, config: Config) -> None:
    first = launch(config)
    wait_until_ready(first)
    code, said = finish(launch(config))
    assert code == 2 and domain in said and "learner_node" in said, said
    assert first.poll() is None


def test_learner_node_without_a_run_folder_is_refused(launch: Launch, config: Config) -> None:
    code, said = finish(launch(config.model_copy(update={"run_dir": None})))
    assert code == 2 and "run_dir is not set" in said
