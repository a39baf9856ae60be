"""The measured cases: sizes of image, mini-batch and store; and the project's targets."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.replay.replay import Replay
from async_rl_core.spec.batch import Batch, BatchLayout
from async_rl_core.spec.crop import Crop
from async_rl_core.spec.observation import ObservationSpec
from async_rl_core.spec.sizes import StepSizes
from async_rl_core.spec.step import SINGLE_ACTOR, Step

EPISODE = 101
"""Steps of an episode: 100 transitions."""
_POOL = 32
"""Number of different frames: drawing noise for each step would take longer than the measurement."""


@dataclass(frozen=True)
class Case:
    """The papers' networks with one size of image and of mini-batch."""

    width: int
    """Pixels, before the crop."""
    height: int
    batch: int
    stored: int
    """Transitions in the sampled store: several times the bytes of the processor's caches."""

    @property
    def name(self) -> str:
        """Name of the case, such as 160x90_b128."""
        return f"{self.width}x{self.height}_b{self.batch}"

    def config(self, **changes: object) -> Config:
        """Returns the papers' baseline with this case's sizes; keywords change it, with two underscores for a dot."""
        overrides: dict[str, object] = {
            "camera.width": self.width,
            "camera.height": self.height,
            "learning.batch_size": self.batch,
            "replay.capacity": self.stored,
            "agent.initial_steps": 0,
            "learner.max_updates_per_step": 64.0,  # the rate limiter is not what is measured
        }
        return resolve("yuan2022_baseline", overrides | {key.replace("__", "."): v for key, v in changes.items()})

    @property
    def crop(self) -> Crop:
        """The crop of its images."""
        return Crop.from_config(self.config())

    @property
    def spec(self) -> ObservationSpec:
        """The observation of its networks."""
        return ObservationSpec.from_config(self.config())


BASELINE = Case(160, 90, 128, stored=20_000)
LARGE_MINIBATCH = Case(160, 90, 512, stored=20_000)
HIGH_RESOLUTION = Case(320, 180, 128, stored=5_000)
CASES = {case.name: case for case in (BASELINE, LARGE_MINIBATCH, HIGH_RESOLUTION)}


@dataclass(frozen=True)
class Target:
    """Upper limits of a row on the two cores of docs/performance.md: milliseconds, or gigabytes."""

    median: float
    p99: float | None = None


_BY_CASE: Mapping[str, tuple[float, float, float]] = {
    "sample": (3.0, 12.0, 12.0),
    "update_fp32": (220.0, 830.0, 830.0),
    "update_bf16": (130.0, 500.0, 500.0),
    "update_gpu": (3.0, 6.0, 6.0),
    "memory": (4.5, 4.5, 17.6),
}
TARGETS: Mapping[tuple[str, str], Target] = {
    **{(row, case): Target(value) for row, v in _BY_CASE.items() for case, value in zip(CASES, v, strict=True)},
    ("inference", BASELINE.name): Target(0.7, 2.0),
    ("inference", HIGH_RESOLUTION.name): Target(1.5, 3.0),
    ("publication", BASELINE.name): Target(2.0),
}


YARDSTICK: Mapping[tuple[str, str], float] = {
    (row, case): milliseconds
    for row, v in {"update_fp32": (104.0, 390.0, 410.0), "update_bf16": (57.0, 221.0, 237.0)}.items()
    for case, milliseconds in zip(CASES, v, strict=True)
}
"""Milliseconds of the encoder forward and backward, channels last, on the machine of the targets."""


def fill(replay: Replay, config: Config, transitions: int, seed: int = 0) -> None:
    """Inserts noise until the store holds `transitions`, or is full."""
    rng, sizes = np.random.default_rng(seed), StepSizes.from_config(config)
    frames = rng.integers(0, 256, (_POOL, 1, sizes.height, sizes.width, 3), np.uint8)
    state = rng.normal(size=(_POOL, sizes.state)).astype(np.float32)
    action = rng.uniform(-1.0, 1.0, (_POOL, sizes.action)).astype(np.float32)
    for i in range(transitions * EPISODE // (EPISODE - 1) + 1):
        j, index = i % _POOL, i % EPISODE
        chosen = action[j] if index else np.zeros_like(action[j])
        reward = float(action[j, 0]) if index else 0.0
        replay.insert(Step(SINGLE_ACTOR, i, i // EPISODE, index, frames[j], state[j], chosen, reward, terminal=False))


def sampled_batch(config: Config) -> Batch:
    """Returns a mini-batch of noise in memory of its own."""
    small = config.model_copy(update={"replay": config.replay.model_copy(update={"capacity": 1000})})
    replay, batch = Replay(small), BatchLayout.from_config(config).allocate()
    fill(replay, small, 1000)
    replay.sample_into(batch)
    return batch
