"""A tiny learner and batches for it."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from async_rl_core.spec.batch import Batch, BatchLayout
from async_rl_core.spec.observation import ImageSpec, ObservationSpec, StatePart

from .small import Small

ACTION_SIZE = 2


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Small networks: one thread is fastest, and its sums are the same on every machine size."""
    torch.set_num_threads(1)


@pytest.fixture
def spec() -> ObservationSpec:
    return ObservationSpec(ImageSpec(height=17, width=21, channels=6), (StatePart("joint_position", 3, "rad"),))


@pytest.fixture
def small(spec: ObservationSpec) -> Small:
    return Small(spec)


@pytest.fixture
def make_batch(spec: ObservationSpec) -> Callable[..., Batch]:
    """Random transitions for `spec`."""

    def make(seed: int = 0, batch_size: int = 8) -> Batch:
        layout = BatchLayout(batch_size, spec, ACTION_SIZE)
        batch, rng = layout.allocate(), np.random.default_rng(seed)
        for images in (batch.observation_images, batch.next_images):
            images[:] = rng.integers(0, 256, images.shape)
        for array in (batch.observation_state, batch.next_state, batch.reward):
            array[:] = rng.normal(size=array.shape)
        batch.action[:] = rng.uniform(-1, 1, batch.action.shape)
        batch.bootstrap[:] = 0.99 * (rng.random(batch_size) < 0.7)
        batch.weight[:] = 1.0
        return batch

    return make
