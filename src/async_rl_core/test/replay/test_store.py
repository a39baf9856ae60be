"""The store against a naive one that keeps every stack of every transition as the papers do."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from async_rl_core.config.load import resolve
from async_rl_core.errors import ConfigError
from async_rl_core.replay.returns import NStepReturn
from async_rl_core.replay.sampler import UniformSampler
from async_rl_core.replay.store import FrameStore
from async_rl_core.spec.batch import Batch, BatchLayout
from async_rl_core.spec.crop import Crop
from async_rl_core.spec.observation import ImageSpec, ObservationSpec, StatePart
from async_rl_core.spec.sizes import StepSizes, StoreSizes
from async_rl_core.spec.step import SINGLE_ACTOR, Step

HEIGHT, WIDTH, STACK, P, A = 6, 8, 3, 3, 1
DISCOUNT = 0.9


@dataclass(frozen=True)
class Observation:
    step: Step
    images: NDArray[np.uint8] | None
    """The stack; None where a frame of it is not known."""


@dataclass
class NaiveStore:
    """Every stack of every step ever, and which transitions follow each other in one episode without a gap."""

    steps: int
    runs: list[list[Observation]] = field(default_factory=list)
    """Observations that follow each other without a gap, in one episode."""
    known: list[NDArray[np.uint8] | None] = field(default_factory=list)
    dropped: set[int] = field(default_factory=set)

    def insert(self, step: Step, transition: bool) -> None:
        last = self.runs[-1][-1].step if self.runs else None
        follows = (
            last is not None
            and step.index > 0
            and (step.sequence, step.episode, step.index) == (last.sequence + 1, last.episode, last.index + 1)
        )
        if not follows:
            self.runs.append([])
            self.known = [step.frames[0] if step.index == 0 else None] * STACK
        self.known = (self.known + list(step.frames))[-STACK:]
        images = [frame for frame in self.known if frame is not None]
        stack = np.concatenate(images, axis=2) if len(images) == STACK else None
        self.runs[-1].append(Observation(step, stack))
        if not transition:
            self.dropped.add(step.sequence)

    def transitions(self) -> list["Transition"]:
        """All of them, in order."""
        found = []
        for run in self.runs:
            for i, o in enumerate(run[:-1]):
                ahead = []
                for following in run[i + 1 : i + 1 + self.steps]:
                    if o.images is None or following.step.sequence in self.dropped:
                        break
                    ahead.append(following)
                    if following.step.terminal:
                        break
                if ahead:
                    found.append(Transition(o, ahead))
        return found


@dataclass(frozen=True)
class Transition:
    before: Observation
    ahead: list[Observation]
    """The observations that the rewards of the return led to; the last is o'."""

    @property
    def value(self) -> float:
        return sum(DISCOUNT**k * o.step.reward for k, o in enumerate(self.ahead))

    @property
    def bootstrap(self) -> float:
        return 0.0 if self.ahead[-1].step.terminal else DISCOUNT ** len(self.ahead)


class Everything:
    """A sampler that draws what the store holds, all of it, in order."""

    def sample(self, count: int, first: int, end: int) -> tuple[NDArray[np.int64], float]:
        return np.arange(first, end), 0.25

    def reprioritise(self, numbers: NDArray[np.int64], td_error: NDArray[np.float32]) -> None:
        raise NotImplementedError


def make_store(
    capacity: int = 10, steps: int = 1, frames_per_step: float = 1.0, height: int = HEIGHT, width: int = WIDTH
) -> FrameStore:
    sizes = StoreSizes(StepSizes(height, width, P, A), capacity, STACK, frames_per_step)
    return FrameStore(sizes, NStepReturn(DISCOUNT, steps))


def make_step(
    rng: np.random.Generator,
    sequence: int,
    episode: int,
    index: int,
    frames: int = 1,
    terminal: bool = False,
    actor: str = SINGLE_ACTOR,
) -> Step:
    return Step(
        actor=actor,
        sequence=sequence,
        episode=episode,
        index=index,
        frames=rng.integers(0, 256, (frames, HEIGHT, WIDTH, 3), dtype=np.uint8),
        state=rng.random(P, np.float32),
        action=rng.random(A, np.float32),
        reward=float(rng.random(dtype=np.float32)),
        terminal=terminal,
    )


def layout(count: int, crop: Crop) -> BatchLayout:
    image = ImageSpec(crop.height, crop.width, 3 * STACK)
    return BatchLayout(count, ObservationSpec(image, (StatePart("joint_position", P, "rad"),)), A)


def sample_all(store: FrameStore, crop: Crop, seed: int = 0) -> Batch:
    batch = layout(len(store), crop).allocate()
    store.sample_into(batch, Everything(), crop, np.random.default_rng(seed))
    return batch


def assert_holds(batch: Batch, expected: list[Transition], crop: Crop, seed: int = 0) -> None:
    rng = np.random.default_rng(seed)
    for images, observations in (
        (batch.observation_images, [t.before for t in expected]),
        (batch.next_images, [t.ahead[-1] for t in expected]),
    ):
        offsets = crop.offsets(rng, len(expected))
        for image, observation, (top, left) in zip(images, observations, offsets, strict=True):
            assert observation.images is not None
            cropped = observation.images[top : top + crop.height, left : left + crop.width]
            np.testing.assert_array_equal(image, cropped)
    for i, transition in enumerate(expected):
        assert batch.reward[i] == pytest.approx(transition.value, rel=1e-6)
        assert batch.bootstrap[i] == np.float32(transition.bootstrap)
        assert batch.weight[i] == 0.25
        np.testing.assert_array_equal(batch.action[i], transition.ahead[0].step.action)
        np.testing.assert_array_equal(batch.next_state[i], transition.ahead[-1].step.state)
        np.testing.assert_array_equal(batch.observation_state[i], transition.before.step.state)


EVENTS = st.lists(
    st.sampled_from(["step"] * 12 + ["last"] + ["episode"] * 2 + ["lost", "index", "resumed", "sample", "sample"]),
    min_size=1,
    max_size=120,
)


@settings(max_examples=400)
@given(
    events=EVENTS,
    capacity=st.integers(1, 30),
    steps=st.sampled_from([1, 1, 2, 3, 7]),
    seed=st.integers(0, 2**32 - 1),
    multiple=st.booleans(),
)
def test_store_equals_a_naive_store(events: list[str], capacity: int, steps: int, seed: int, multiple: bool) -> None:
    rng = np.random.default_rng(seed)
    store, naive = make_store(capacity, steps, 1.5 if multiple else 1.0), NaiveStore(steps)
    crop = Crop(HEIGHT, WIDTH, 0.15)
    sequence, episode, index, lost = 0, 0, 0, 0
    for event in [*events, "sample"]:
        if event == "sample":
            expected = naive.transitions()
            assert len(store) <= min(capacity, len(expected))
            if len(store):
                assert_holds(sample_all(store, crop, seed), expected[-len(store) :], crop, seed)
            continue
        if event == "episode":
            episode, index = episode + 1, 0
        elif event == "lost":
            sequence, index, lost = sequence + 2, index + 2, lost + (2 if naive.runs else 0)
        elif event == "index":
            index += 1
        elif event == "resumed":
            episode, index = episode + 1, 0
        frames = int(rng.integers(0, 4)) if multiple and index else 1
        step = make_step(rng, sequence, episode, index, frames, terminal=bool(rng.random() < 0.1))
        store.insert(step, transition=event != "last")
        naive.insert(step, event != "last")
        sequence, index = sequence + 1, index + 1
    assert store.lost_steps == lost


@settings(max_examples=50)
@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=30),
    capacity=st.integers(1, 30),
    lost=st.sets(st.integers(0, 200), max_size=3),
    seed=st.integers(0, 2**32 - 1),
)
def test_store_of_the_needed_steps_is_the_same(lengths: list[int], capacity: int, lost: set[int], seed: int) -> None:
    rng, crop = np.random.default_rng(seed), Crop(HEIGHT, WIDTH, 0.15)
    first, second = make_store(capacity, steps=3), make_store(capacity, steps=3)
    places = [(episode, index) for episode, length in enumerate(lengths) for index in range(length)]
    steps = [make_step(rng, sequence, *place) for sequence, place in enumerate(places) if sequence not in lost]
    for step in steps:
        first.insert(step)
    for step in steps:
        if step.sequence >= first.needed_from():
            second.insert(step)
    assert len(first) == len(second)
    if len(first):
        batches = [sample_all(store, crop) for store in (first, second)]
        for name in ("observation_images", "next_images", "reward", "bootstrap", "action", "next_state"):
            np.testing.assert_array_equal(getattr(batches[0], name), getattr(batches[1], name))


def test_store_refuses_a_step_that_is_not_newer() -> None:
    store, rng = make_store(), np.random.default_rng(0)
    assert store.newest() == -1
    store.insert(make_step(rng, 5, 0, 0))
    for sequence in (4, 5):
        with pytest.raises(ValueError, match=f"step {sequence} came after step 5"):
            store.insert(make_step(rng, sequence, 0, 1))
    assert store.newest() == 5


def test_store_of_long_episodes_holds_its_capacity() -> None:
    rng = np.random.default_rng(0)
    store = make_store(1000)
    for i in range(5050):
        store.insert(make_step(rng, i, i // 101, i % 101))
    assert len(store) == 1000
    assert store.env_steps == 5000


def test_stack_at_an_episodes_start_repeats_its_first_frame() -> None:
    rng = np.random.default_rng(0)
    store = make_store()
    steps = [make_step(rng, i, i // 3, i % 3) for i in range(6)]
    for step in steps:
        store.insert(step)
    batch = sample_all(store, Crop(HEIGHT, WIDTH, 0.0))
    first, second = steps[3].frames[0], steps[4].frames[0]
    np.testing.assert_array_equal(batch.observation_images[2], np.concatenate([first] * 3, axis=2))
    np.testing.assert_array_equal(batch.next_images[2], np.concatenate([first, first, second], axis=2))


def test_crops_of_observation_and_next_observation_are_independent() -> None:
    store = make_store(height=60, width=80)
    ramp = np.broadcast_to(np.arange(80, dtype=np.uint8)[None, None, :, None], (1, 60, 80, 3))
    for i in range(2):
        store.insert(Step(SINGLE_ACTOR, i, 0, i, ramp, np.zeros(P, np.float32), np.zeros(A, np.float32), 0.0, False))
    crop = Crop(60, 80, 0.05)
    batch = layout(400, crop).allocate()
    rng = np.random.default_rng(0)
    store.sample_into(batch, UniformSampler(rng), crop, rng)
    lefts = batch.observation_images[:, 0, 0, 0].astype(int), batch.next_images[:, 0, 0, 0].astype(int)
    assert set(lefts[0]) == set(lefts[1]) == set(range(9))
    assert abs(np.corrcoef(*lefts)[0, 1]) < 0.15


def test_batch_header_counts_batches_and_steps() -> None:
    rng = np.random.default_rng(0)
    store = make_store()
    for i in range(5):
        store.insert(make_step(rng, i, 0, i))
    crop = Crop(HEIGHT, WIDTH, 0.0)
    sample_all(store, crop)
    batch = sample_all(store, crop)
    assert (batch.number, batch.env_steps, int(batch.header[2])) == (1, 4, 2)


def test_empty_store_refuses_to_sample() -> None:
    store = make_store()
    crop = Crop(HEIGHT, WIDTH, 0.0)
    batch = layout(2, crop).allocate()
    with pytest.raises(ValueError, match="no transition"):
        store.sample_into(batch, Everything(), crop, np.random.default_rng(0))


def test_store_refuses_a_step_of_another_shape() -> None:
    store = make_store(height=HEIGHT + 1)
    with pytest.raises(ValueError, match="cannot be stored"):
        store.insert(make_step(np.random.default_rng(0), 0, 0, 0))
    with pytest.raises(ValueError, match="carries no frame"):
        make_store().insert(make_step(np.random.default_rng(0), 0, 0, 0, frames=0))


@pytest.mark.parametrize(("preset", "gigabytes"), [("yuan2022_baseline", 4.5), ("yuan2022_high_resolution", 17.6)])
def test_store_of_the_papers_has_bounded_memory_and_touches_it_lazily(preset: str, gigabytes: float) -> None:
    config = resolve(preset, {})
    try:
        store = FrameStore.from_config(config)
    except ConfigError as error:
        pytest.skip(str(error))
    assert config.replay.capacity == 100_000
    assert store.nbytes < gigabytes * 1e9
    assert store.nbytes_used == 0


def test_store_larger_than_memory_is_refused_with_the_numbers() -> None:
    with pytest.raises(ConfigError, match=r"replay.capacity 100000000 at 320x180 needs .* GB, this machine has"):
        make_store(100_000_000, height=180, width=320)
