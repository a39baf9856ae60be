"""Lower bounds of the measured times on this machine: no program that does the same work needs less.

Each limit leaves out all but the part that cannot be avoided, with its inputs ready and its outputs' memory warm.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from async_rl_core.algorithms.common.compute import keep_freed_memory
from async_rl_core.algorithms.common.encoder import Encoder
from async_rl_core.algorithms.sac.config import SACConfig
from async_rl_core.config.schema import Config
from async_rl_core.spec.batch import BatchLayout
from benchmarks.cases import EPISODE, Case
from benchmarks.timing import Times, measure
from benchmarks.updates import until_done

_PART = 8
"""Images."""
FORWARD_BACKWARD = 3
"""Passes of a linear layer through which gradients go: forward, and backward to its inputs and to its weights."""


def copy(case: Case, repeats: int) -> Times:
    """One memcpy of a mini-batch's bytes: what handing it over by copying would add."""
    source, target = (np.ones(BatchLayout.from_config(case.config()).nbytes, np.uint8) for _ in range(2))
    return measure(lambda: np.copyto(target, source), repeats)


def gather(case: Case, repeats: int) -> Times:
    """Copy the frames that a mini-batch is made of from random places, one memcpy each; one thread, as replay.

    The frames have the cropped size here, so the bytes are as many as sampling moves. But each goes to a place of its
    own: not interleaved with the others of its stack, as the networks want them, and not to another process.
    """
    crop, rng = case.crop, np.random.default_rng(0)
    stack = case.config().agent.frame_stack
    frames = case.stored * EPISODE // (EPISODE - 1)
    ring = np.ones((frames, crop.height * crop.width * 3), np.uint8)
    out = np.zeros((2 * case.batch * stack, ring.shape[1]), np.uint8)
    of_transition = np.r_[0:stack, 1 : stack + 1]

    def call() -> None:
        first = rng.integers(0, frames - stack, case.batch)
        np.take(ring, (first[:, None] + of_transition).reshape(-1), axis=0, out=out, mode="clip")

    return measure(call, repeats)


class _Convolutions:
    """The encoder's convolutions and nothing else, channels last, on ready inputs."""

    def __init__(self, case: Case, batch: int, dtype: torch.dtype, device: str = "cpu") -> None:
        config, spec = SACConfig.from_config(case.config()), case.spec
        image = spec.require_image()
        shape = (batch, image.channels, image.height, image.width)
        self._images = torch.rand(shape).to(device, dtype, memory_format=torch.channels_last)
        sizes = [image.channels] + [config.encoder_channels] * len(config.encoder_strides)
        self._layers = nn.ModuleList(
            nn.Conv2d(before, after, 3, stride, bias=False)
            for before, after, stride in zip(sizes[:-1], sizes[1:], config.encoder_strides, strict=True)
        ).to(device, dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        with torch.no_grad():
            self._gradient = torch.rand_like(self.forward())

    def forward(self) -> Tensor:
        return self._through(self._images)

    def forward_in_parts(self) -> None:
        """Few images at a time, so that what one layer writes the next finds in the cache."""
        for images in self._images.split(_PART):  # type: ignore[no-untyped-call]
            self._through(images)

    def _through(self, maps: Tensor) -> Tensor:
        for layer in self._layers:
            maps = layer(maps)
        return maps

    def forward_backward(self) -> None:
        torch.autograd.backward(self.forward(), self._gradient)


def _without_gradient(call: Callable[[], object]) -> Callable[[], object]:
    def inner() -> None:
        with torch.inference_mode():
            call()

    return inner


def _linear(batch: int, size: int, dtype: torch.dtype, repeats: int, device: str = "cpu") -> float:
    """Milliseconds of one multiplication (batch, size) x (size, size)."""
    x, weight = (torch.rand(n, size, dtype=dtype, device=device) for n in (batch, size))
    return measure(until_done(_without_gradient(lambda: F.linear(x, weight)), device), repeats).median


def _linear_passes(config: Config) -> float:
    """Passes of a mini-batch through an MLP in one update, forward and backward."""
    target, next_action, critic = 2, 1, 2 * FORWARD_BACKWARD
    actor = FORWARD_BACKWARD + 2 * 2  # through both critics to the action, not to their weights
    return target + next_action + critic + actor / SACConfig.from_config(config).actor_update_frequency


class UpdateLimit(NamedTuple):
    """Milliseconds."""

    total: float
    """Of the multiplications that an update consists of."""
    encoder: float
    """Of the whole encoder, once forward and backward: what tells how fast this machine is."""


def update(case: Case, precision: str, threads: int, repeats: int, device: str = "cpu") -> UpdateLimit:
    """The multiplications that an update consists of.

    Convolutions: the next observation through the encoder and the target encoder; the observation through the encoder
    and back; and, each time the actor steps, once more through the encoder that the critic's step has changed. MLPs:
    their square layers, at the speed of one such product. Not in it: casts, activations, spatial softmax, narrow
    layers, losses, optimisers.
    """
    keep_freed_memory()
    torch.set_num_threads(threads)
    config, dtype = case.config(), torch.bfloat16 if precision == "bf16" else torch.float32
    convolutions = _Convolutions(case, case.batch, dtype, device)
    ways = (convolutions.forward, convolutions.forward_in_parts)
    forward = min(measure(until_done(_without_gradient(way), device), repeats).median for way in ways)
    there_and_back = measure(until_done(convolutions.forward_backward, device), repeats).median
    product = _linear(case.batch, SACConfig.from_config(config).hidden_sizes[0], dtype, 10 * repeats, device)
    passes = 2 + 1 / SACConfig.from_config(config).actor_update_frequency
    total = passes * forward + there_and_back + _linear_passes(config) * product
    return UpdateLimit(total, measure(until_done(_encoder(case, dtype, device), device), repeats).median)


def _encoder(case: Case, dtype: torch.dtype, device: str) -> Callable[[], None]:
    """The encoder forward and backward, from ready images, channels last."""
    config, spec = SACConfig.from_config(case.config()), case.spec
    image = spec.require_image()
    encoder = Encoder(image, config.encoder_channels, config.encoder_strides).to(device)
    images = torch.rand((case.batch, image.channels, image.height, image.width)).mul(255.0)
    images = images.to(device, dtype, memory_format=torch.channels_last)
    gradient = torch.rand(case.batch, encoder.size, device=device)
    return lambda: torch.autograd.backward(encoder(images), gradient)


def inference(case: Case, precision: str, threads: int, repeats: int) -> float:
    """Milliseconds of one observation through the convolutions and the actor's square layer."""
    torch.set_num_threads(threads)
    convolutions = _Convolutions(case, 1, torch.bfloat16 if precision == "bf16" else torch.float32)
    forward = measure(_without_gradient(convolutions.forward), repeats, warm_up=20).median
    return forward + _linear(1, SACConfig.from_config(case.config()).hidden_sizes[0], torch.float32, repeats)


def memory(case: Case, transitions: int) -> float:
    """Gigabytes of the frames alone, each stored once and uncompressed."""
    frames = transitions * EPISODE / (EPISODE - 1)
    return frames * 3 * case.width * case.height / 1e9


def publication(values: NDArray[np.float32], repeats: int) -> Times:
    """Two memcpys of the policy: into shared memory, and out of it."""
    shared, own = np.empty_like(values), np.empty_like(values)

    def call() -> None:
        np.copyto(shared, values)
        np.copyto(own, shared)

    return measure(call, repeats)
