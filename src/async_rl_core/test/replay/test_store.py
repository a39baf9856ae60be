"""The store against a naive one that keeps every stack of every transition as the papers do."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from async_rl_core.config.load import resolve
from async_rl_core.errors import ConfigError
from async_rl_core.replay.batch import Batch, BatchLayout
from async_rl_core.replay.crop import Crop
from async_rl_core.replay.sampler import UniformSampler
from async_rl_core.replay.step import Step
from async_rl_core.replay.store import FrameStore

HEIGHT, WIDTH, STACK, P, A = 6, 8, 3, 3, 1


@dataclass(frozen=True)
class Transition:
    record: int
    images: NDArray[np.uint8]
    next_images: NDArray[np.uint8]
    step: Step
    previous: Step


@dataclass
class NaiveStore:
    """Every transition ever, with its stacks; `None` stands for a frame that nobody knows."""

    transitions: list[Transition] = field(default_factory=list)
    last: Step | None = None
    known: list[NDArray[np.uint8] | None] = field(default_factory=list)
    stack: NDArray[np.uint8] | None = None
    records: int = 0

    def insert(self, step: Step) -> None:
        last = self.last
        follows = (
            last is not None
            and step.index > 0
            and (step.sequence, step.episode, step.index) == (last.sequence + 1, last.episode, last.index + 1)
        )
        if step.index == 0:
            self.known = [step.frames[0]] * STACK
        elif not follows:
            self.known = [None] * STACK
        self.known = (self.known + list(step.frames))[-STACK:]
        before, self.stack = self.stack, None
        images = [frame for frame in self.known if frame is not None]
        if len(images) == STACK:
            self.stack = np.concatenate(images, axis=2)
        if follows and last is not None and before is not None and self.stack is not None:
            self.transitions.append(Transition(self.records, before, self.stack, step, last))
        self.last = step
        self.records += 1


class Everything:
    """A sampler that draws what the store holds, all of it, in order."""

    def sample(self, count: int, first: int, end: int) -> NDArray[np.int64]:
        return np.arange(first, end)


def make_step(rng: np.random.Generator, sequence: int, episode: int, index: int, frames: int, terminal: bool) -> Step:
    return Step(
        sequence=sequence,
        episode=episode,
        index=index,
        frames=rng.integers(0, 256, (frames, HEIGHT, WIDTH, 3), dtype=np.uint8),
        proprioception=rng.random(P, np.float32),
        action=rng.random(A, np.float32),
        reward=float(rng.random(dtype=np.float32)),
        terminal=terminal,
    )


def sample_all(store: FrameStore, crop: Crop, seed: int = 0) -> Batch:
    batch = BatchLayout(len(store), crop.height, crop.width, 3 * STACK, P, A).allocate()
    store.sample_into(batch, Everything(), crop, np.random.default_rng(seed))
    return batch


def assert_holds(batch: Batch, expected: list[Transition], crop: Crop, seed: int = 0) -> None:
    rng = np.random.default_rng(seed)
    for images, stacks in (
        (batch.observation_images, [t.images for t in expected]),
        (batch.next_images, [t.next_images for t in expected]),
    ):
        offsets = crop.offsets(rng, len(expected))
        for image, stack, (top, left) in zip(images, stacks, offsets, strict=True):
            np.testing.assert_array_equal(image, stack[top : top + crop.height, left : left + crop.width])
    for i, transition in enumerate(expected):
        assert batch.index[i] == transition.record
        assert batch.reward[i] == transition.step.reward
        assert batch.not_terminal[i] == (not transition.step.terminal)
        np.testing.assert_array_equal(batch.action[i], transition.step.action)
        np.testing.assert_array_equal(batch.next_proprioception[i], transition.step.proprioception)
        np.testing.assert_array_equal(batch.observation_proprioception[i], transition.previous.proprioception)


EVENTS = st.lists(
    st.sampled_from(["step"] * 12 + ["episode"] * 2 + ["lost", "index", "restart", "sample", "sample"]),
    min_size=1,
    max_size=120,
)


@settings(max_examples=300)
@given(events=EVENTS, capacity=st.integers(1, 30), seed=st.integers(0, 2**32 - 1), multiple=st.booleans())
def test_equals_the_naive_store(events: list[str], capacity: int, seed: int, multiple: bool) -> None:
    rng = np.random.default_rng(seed)
    store, naive = FrameStore(capacity, HEIGHT, WIDTH, STACK, P, A, 1.5 if multiple else 1.0), NaiveStore()
    crop = Crop(HEIGHT, WIDTH, 0.15)
    sequence, episode, index, lost = 0, 0, 0, 0
    for event in [*events, "sample"]:
        if event == "sample":
            if len(store):
                assert_holds(sample_all(store, crop, seed), naive.transitions[-len(store) :], crop, seed)
            continue
        if event == "episode":
            episode, index = episode + 1, 0
        elif event == "lost":
            sequence, index, lost = sequence + 2, index + 2, lost + (2 if naive.last else 0)
        elif event == "index":
            index += 1
        elif event == "restart":
            sequence, episode, index = 0, 0, 0
        frames = int(rng.integers(0, 4)) if multiple and index else 1
        step = make_step(rng, sequence, episode, index, frames, terminal=bool(rng.random() < 0.1))
        store.insert(step)
        naive.insert(step)
        sequence, index = sequence + 1, index + 1
        assert len(store) <= min(capacity, len(naive.transitions))
    assert store.lost_steps == lost


def test_holds_its_capacity_in_episodes_of_a_hundred() -> None:
    rng = np.random.default_rng(0)
    store = FrameStore(1000, HEIGHT, WIDTH, STACK, P, A)
    for i in range(5050):
        store.insert(make_step(rng, i, i // 101, i % 101, 1, False))
    assert len(store) == 1000
    assert store.env_steps == 5000


def test_stacks_of_an_episode_start_repeat_its_first_frame() -> None:
    rng = np.random.default_rng(0)
    store = FrameStore(10, HEIGHT, WIDTH, STACK, P, A)
    steps = [make_step(rng, i, i // 3, i % 3, 1, False) for i in range(6)]
    for step in steps:
        store.insert(step)
    batch = sample_all(store, Crop(HEIGHT, WIDTH, 0.0))
    first, second = steps[3].frames[0], steps[4].frames[0]
    np.testing.assert_array_equal(batch.observation_images[2], np.concatenate([first] * 3, axis=2))
    np.testing.assert_array_equal(batch.next_images[2], np.concatenate([first, first, second], axis=2))


def test_crops_of_observation_and_next_one_are_independent() -> None:
    store = FrameStore(10, 60, 80, STACK, P, A)
    ramp = np.broadcast_to(np.arange(80, dtype=np.uint8)[None, None, :, None], (1, 60, 80, 3))
    for i in range(2):
        store.insert(Step(i, 0, i, ramp, np.zeros(P, np.float32), np.zeros(A, np.float32), 0.0, False))
    crop = Crop(60, 80, 0.05)
    batch = BatchLayout(400, crop.height, crop.width, 9, P, A).allocate()
    rng = np.random.default_rng(0)
    store.sample_into(batch, UniformSampler(rng), crop, rng)
    lefts = batch.observation_images[:, 0, 0, 0].astype(int), batch.next_images[:, 0, 0, 0].astype(int)
    assert set(lefts[0]) == set(lefts[1]) == set(range(9))
    assert abs(np.corrcoef(*lefts)[0, 1]) < 0.15


def test_the_header_counts() -> None:
    rng = np.random.default_rng(0)
    store = FrameStore(10, HEIGHT, WIDTH, STACK, P, A)
    for i in range(5):
        store.insert(make_step(rng, i, 0, i, 1, False))
    crop = Crop(HEIGHT, WIDTH, 0.0)
    sample_all(store, crop)
    batch = sample_all(store, crop)
    assert (batch.number, batch.env_steps, int(batch.header[2])) == (1, 4, 2)


def test_an_empty_store_says_so() -> None:
    store = FrameStore(10, HEIGHT, WIDTH, STACK, P, A)
    crop = Crop(HEIGHT, WIDTH, 0.0)
    batch = BatchLayout(2, crop.height, crop.width, 9, P, A).allocate()
    with pytest.raises(ValueError, match="no transition"):
        store.sample_into(batch, Everything(), crop, np.random.default_rng(0))


def test_a_step_of_another_shape_is_refused() -> None:
    store = FrameStore(10, HEIGHT + 1, WIDTH, STACK, P, A)
    with pytest.raises(ValueError, match="cannot be stored"):
        store.insert(make_step(np.random.default_rng(0), 0, 0, 0, 1, False))
    with pytest.raises(ValueError, match="carries no frame"):
        FrameStore(10, HEIGHT, WIDTH, STACK, P, A).insert(make_step(np.random.default_rng(0), 0, 0, 0, 0, False))


@pytest.mark.parametrize(("preset", "gigabytes"), [("paper_baseline", 4.5), ("paper_high_resolution", 17.6)])
def test_memory_of_the_papers_is_within_bounds_and_touched_lazily(preset: str, gigabytes: float) -> None:
    config = resolve(preset, {})
    try:
        store = FrameStore.of(config)
    except ConfigError as error:
        pytest.skip(str(error))
    assert config.replay.capacity == 100_000
    assert store.nbytes < gigabytes * 1e9
    assert store.nbytes_used == 0


def test_more_than_the_machine_has_is_refused_with_the_numbers() -> None:
    with pytest.raises(ConfigError, match=r"replay.capacity 100000000 at 320x180 needs .* GB, this machine has"):
        FrameStore(100_000_000, 180, 320, STACK, P, A)
