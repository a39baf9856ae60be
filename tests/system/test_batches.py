"""Graph with this test in place of the learner: served batches hold images and actions of the run."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from async_rl_core.algorithms.registry import make_policy
from async_rl_core.bringup.graph import environment, nodes
from async_rl_core.bringup.process.executable import command
from async_rl_core.config.load import resolve, write_config
from async_rl_core.config.schema import Config
from async_rl_core.spec.batch import Batch, BatchLayout
from async_rl_core.transport.shared_memory.batches import BatchClient
from async_rl_core.transport.shared_memory.parameters import ParameterPublisher
from async_rl_core.transport.shared_memory.service import Endpoint, clean_up_dead

from .conftest import END, TopicListener

BATCHES = 20
PATIENCE = 100.0
"""Seconds until the first mini-batch: processes start, and the agent takes 200 random actions."""
WAIT = 0.1


@pytest.fixture
def config(preset: Path, tmp_path: Path) -> Config:
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    config = resolve(str(preset), {"run_dir": str(run_dir)})
    write_config(config, run_dir / "config.yaml")
    return config


@contextlib.contextmanager
def graph_without_learner(config: Config, domain: int) -> Iterator[None]:
    """Runs all nodes except learner and monitor."""
    assert config.run_dir is not None
    ambient = {**os.environ, "ROS_DOMAIN_ID": str(domain)}
    ambient |= environment(ambient) | {"ASYNC_RL_SUPERVISED": str(os.getpid())}
    specs = [s for s in nodes(config, config.run_dir / "config.yaml") if s.name not in ("learner_node", "monitor_node")]
    processes = [subprocess.Popen(command(spec, ambient), env={**ambient, **spec.env}) for spec in specs]
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(timeout=END) for process in processes]
        clean_up_dead(str(domain))
    assert codes == [0] * len(processes)


def in_order(candidates: list[list[int]]) -> bool:
    """Returns whether one number of each list can be chosen so that none is below its predecessor."""
    last = -1
    for numbers in candidates:
        later = [number for number in numbers if number >= last]
        if not later:
            return False
        last = min(later)
    return True


def crops(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Returns every crop of an image, (n, height, width, 3)."""
    windows = np.lib.stride_tricks.sliding_window_view(image, (height, width), axis=(0, 1))
    return windows.transpose(0, 1, 3, 4, 2).reshape(-1, height, width, 3)


def served(client: BatchClient, parameters: ParameterPublisher) -> Batch:
    """Returns the next mini-batch; publishes a policy meanwhile, which episodes after the random ones need."""
    deadline = time.monotonic() + PATIENCE
    while (batch := client.receive(WAIT)) is None:
        assert time.monotonic() < deadline
        parameters.refresh()
    return batch


@pytest.mark.timeout(240)
def test_served_batches_hold_camera_images_and_actions(config: Config, domain: int, listener: TopicListener) -> None:
    layout = BatchLayout.from_config(config)
    with graph_without_learner(config, domain):
        endpoint = Endpoint(str(domain), "test")
        client = BatchClient(endpoint, layout, in_flight=1)
        size = make_policy(config).size
        parameters = ParameterPublisher(endpoint, size)
        parameters.publish(1, 0, np.zeros(size, np.float32))
        try:
            batches = []
            for _ in range(BATCHES):
                batch = served(client, parameters)
                copy = layout.allocate()
                np.copyto(copy.buffer, batch.buffer)
                batches.append(copy)
        finally:
            parameters.close()
            client.close()
            endpoint.close()
    seen: dict[bytes, list[int]] = {}
    for number, image in enumerate(listener.images):
        for crop in crops(image, *layout.observation.image_shape[:2]):
            seen.setdefault(crop.tobytes(), []).append(number)
    assert [batch.number for batch in batches] == list(range(BATCHES))
    for batch in batches:
        check(batch, seen)


def check(batch: Batch, seen: dict[bytes, list[int]]) -> None:
    """Asserts that each frame is a crop of a published image, in order, and each action is the one taken."""
    for images, next_images in zip(batch.observation_images, batch.next_images, strict=True):
        stacks = [np.ascontiguousarray(stack[:, :, i : i + 3]) for stack in (images, next_images) for i in (0, 3, 6)]
        oldest_first = [seen[frame.tobytes()] for frame in stacks]
        assert in_order(oldest_first[:3])
        assert in_order(oldest_first[3:])
        assert in_order([oldest_first[2], oldest_first[5]])
    assert (np.abs(batch.action) <= 1).all()
    # The action is the "previous action" of the observation that it led to.
    assert np.array_equal(batch.action, batch.next_state[:, 10:])
    # Time limits bootstrap.
    assert (batch.bootstrap == np.float32(0.99)).all()
    assert np.isfinite(batch.reward).all()
