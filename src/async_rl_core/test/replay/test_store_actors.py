"""The store of a run without camera, and the steps of several actors."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from async_rl_core.config.load import resolve
from async_rl_core.replay.journal.journal import journal_bytes
from async_rl_core.replay.replay import Replay
from async_rl_core.replay.returns import NStepReturn
from async_rl_core.replay.store import FrameStore
from async_rl_core.spec.batch import BatchLayout
from async_rl_core.spec.crop import Crop
from async_rl_core.spec.observation import ImageSpec, ObservationSpec, StatePart
from async_rl_core.spec.sizes import StepSizes, StoreSizes
from async_rl_core.spec.step import SINGLE_ACTOR, Step
from async_rl_core.transport.shared_memory.steps import StepLayout

from .test_store import DISCOUNT, HEIGHT, STACK, WIDTH, A, Everything, P, make_step, make_store, sample_all

STATE_ONLY = ObservationSpec(None, (StatePart("joint_position", P, "rad"),))


def state_step(rng: np.random.Generator, actor: str, sequence: int, episode: int, index: int) -> Step:
    return replace(make_step(rng, sequence, episode, index, actor=actor), frames=np.empty((0, 0, 0, 3), np.uint8))


def test_store_without_camera_allocates_no_frames() -> None:
    sizes = StoreSizes(StepSizes(0, 0, P, A), 1000, STACK)
    asked: list[int] = []

    def allocate(nbytes: int, what: str) -> NDArray[np.uint8]:
        asked.append(nbytes)
        return np.empty(nbytes, np.uint8)

    rng, store = np.random.default_rng(0), FrameStore(sizes, NStepReturn(DISCOUNT), allocate)
    for i in range(2000):
        store.insert(state_step(rng, SINGLE_ACTOR, i, i // 100, i % 100))
    assert not asked
    assert store._ring.nbytes == store._stacks.nbytes == 0
    assert store.nbytes == store.nbytes_used < 120 * 1000, "records and transitions alone"
    assert len(store) == 1000
    batch = BatchLayout(1000, STATE_ONLY, A).allocate()
    store.sample_into(batch, Everything(), Crop(45, 80, 0.0), rng)
    assert batch.observation_images.nbytes == batch.next_images.nbytes == 0
    assert batch.buffer.nbytes < 1000 * 4 * (2 * P + A + 5) + 1000
    assert len(np.unique(batch.observation_state, axis=0)) == 1000


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("has_camera", [True, False])
def test_store_of_interleaved_actors_pairs_each_actors_own_steps(steps: int, has_camera: bool) -> None:
    """Each actor's transitions are those of a store of its own; one of them loses a step."""
    rng, crop = np.random.default_rng(7), Crop(HEIGHT, WIDTH, 0.0)
    size = StepSizes(HEIGHT, WIDTH, P, A) if has_camera else StepSizes(0, 0, P, A)
    names = ("left", "right", "lab/left")
    both = FrameStore(StoreSizes(size, 500, STACK), NStepReturn(DISCOUNT, steps))
    alone = {name: FrameStore(StoreSizes(size, 500, STACK), NStepReturn(DISCOUNT, steps)) for name in names}
    counts = dict.fromkeys(names, 0)
    for _ in range(300):
        name = names[rng.choice(3, p=[0.5, 0.4, 0.1])]
        number = counts[name]
        counts[name] += 1
        if (name, number) == ("left", 40):
            continue
        step = (make_step if has_camera else state_step_of)(rng, number, number // 12, number % 12, actor=name)
        both.insert(step)
        alone[name].insert(step)
    assert {name: both.newest(name) for name in names} == {name: counts[name] - 1 for name in names}
    assert both.lost_steps == alone["left"].lost_steps == 1
    assert both.env_steps == sum(store.env_steps for store in alone.values())

    def rows(store: FrameStore) -> set[bytes]:
        spec = ObservationSpec(ImageSpec(HEIGHT, WIDTH, 3 * STACK) if has_camera else None, STATE_ONLY.parts)
        batch = BatchLayout(len(store), spec, A).allocate()
        store.sample_into(batch, Everything(), crop, np.random.default_rng(0))
        arrays = (batch.observation_images, batch.next_images, batch.observation_state, batch.next_state)
        scalars = (batch.action, batch.reward, batch.bootstrap)
        return {b"".join(array[i].tobytes() for array in (*arrays, *scalars)) for i in range(len(store))}

    expected = [rows(store) for store in alone.values()]
    assert rows(both) == set().union(*expected)
    assert len(both) == sum(map(len, alone.values())) == sum(map(len, expected))


def state_step_of(rng: np.random.Generator, sequence: int, episode: int, index: int, actor: str) -> Step:
    return state_step(rng, actor, sequence, episode, index)


def test_store_forgets_an_idle_actors_steps_before_they_are_overwritten() -> None:
    """One actor stops in the midst of an episode, while another fills the store; then it resumes."""
    rng, store = np.random.default_rng(0), make_store(capacity=20)
    for i in range(5):
        store.insert(make_step(rng, i, 0, i, actor="left"))
    for i in range(200):
        store.insert(make_step(rng, i, i // 10, i % 10, actor="right"))
    held = len(store)
    store.insert(make_step(rng, 5, 0, 5, actor="left"))
    assert held - 1 <= len(store) <= held, "its pair's first half is gone, the others stay"
    store.insert(make_step(rng, 6, 0, 6, actor="left"))
    batch = sample_all(store, Crop(HEIGHT, WIDTH, 0.0))
    assert len(batch.reward) == len(store) >= held - 2
    assert (store.needed_from("right"), store.newest("left")) == (170, 6)


def test_store_refuses_an_older_step_of_the_same_actor_only() -> None:
    rng, store = np.random.default_rng(0), make_store()
    store.insert(make_step(rng, 4, 0, 0, actor="left"))
    store.insert(make_step(rng, 1, 0, 0, actor="right"))
    with pytest.raises(ValueError, match="step 4 came after step 4"):
        store.insert(make_step(rng, 4, 0, 0, actor="left"))


def test_replay_of_a_task_without_camera_allocates_no_image_memory() -> None:
    """Measured: with images the same store takes 4.4 GB, and a mini-batch 32 MB."""
    config = resolve("yuan2022_baseline", {"task": "reach"}, "panda")
    sizes, layout = StepSizes.from_config(config), BatchLayout.from_config(config)
    assert (sizes.has_frames, sizes.state, sizes.action) == (False, layout.observation.state_size, 7)
    tracemalloc.start()
    replay, batch = Replay(config), layout.allocate()
    rng = np.random.default_rng(0)
    for i in range(2000):
        frames = np.empty((0, 0, 0, 3), np.uint8)
        vectors = rng.random(sizes.state, np.float32), rng.random(sizes.action, np.float32)
        replay.insert(Step(SINGLE_ACTOR, i, i // 150, i % 150, frames, *vectors, 0.0, terminal=False))
    replay.sample_into(batch)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert replay.store.capacity == 100_000
    assert peak < 40e6
    assert layout.nbytes < 100_000
    assert StepLayout.from_config(config).nbytes < 300
    assert journal_bytes(config) < 60e6
