"""Act, sample and update in one process: what the steps allow is learned, at once, and the same every time."""

import numpy as np
import pytest

from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.learning.sequential import SequentialLearning
from async_rl_core.spec.sizes import StepSizes
from async_rl_core.spec.step import SINGLE_ACTOR, Step

INITIAL = 64


def config() -> Config:
    return resolve(
        "laptop",
        {
            "architecture": "seq",
            "agent.initial_steps": INITIAL,
            "replay.capacity": 1000,
            "learning.batch_size": 8,
            "learner.max_updates_per_step": 1.0,
        },
    )


def feed(learning: SequentialLearning, count: int, start: int = 0) -> None:
    rng = np.random.default_rng(start)
    for i in range(start, start + count):
        frames = rng.integers(0, 256, (1, 45, 80, 3), np.uint8)
        state, action = rng.normal(size=15).astype(np.float32), rng.uniform(-1, 1, 5).astype(np.float32)
        assert learning.send(Step(SINGLE_ACTOR, i, 1, i, frames, state, action, float(rng.normal()), terminal=False))


def test_sequential_updates_follow_the_steps() -> None:
    learning = SequentialLearning(config())
    assert learning.poll()  # the learner's first policy
    feed(learning, INITIAL)  # the first carries an observation only
    assert not learning.poll()
    feed(learning, 3, start=INITIAL)
    assert learning.poll()
    assert learning.updates == 3
    assert not learning.poll()


def test_sequential_policy_has_the_learners_parameters() -> None:
    learning = SequentialLearning(config())
    before = learning.policy.act(np.zeros((43, 76, 9), np.uint8), np.zeros(15, np.float32), deterministic=True).copy()
    feed(learning, INITIAL + 4)
    learning.poll()
    after = learning.policy.act(np.zeros((43, 76, 9), np.uint8), np.zeros(15, np.float32), deterministic=True)
    assert not np.array_equal(before, after)


def test_sequential_of_one_seed_gives_the_same_bits() -> None:
    parameters = []
    for _ in range(2):
        learning = SequentialLearning(config())
        feed(learning, INITIAL + 4)
        learning.poll()
        parameters.append(learning.learner.algorithm.policy_parameters().copy())
    assert np.array_equal(*parameters)


def test_sequential_warm_up_changes_nothing() -> None:
    learning = SequentialLearning(config())
    feed(learning, INITIAL + 2)
    learning.poll()
    before = learning.learner.algorithm.policy_parameters().copy()
    learning.warm_up()
    assert learning.updates == 2
    np.testing.assert_array_equal(learning.learner.algorithm.policy_parameters(), before)
    assert not learning.poll()


def test_sequential_publishes_in_its_period() -> None:
    learner = config().learner.model_copy(update={"publish_period": 3})
    learning = SequentialLearning(config().model_copy(update={"learner": learner}))
    learning.poll()
    newer = []
    for i in range(INITIAL, INITIAL + 8):
        feed(learning, INITIAL + 1 if i == INITIAL else 1, start=0 if i == INITIAL else i)
        newer.append(learning.poll())
    assert learning.updates == 8
    assert newer == [False, False, True, False, False, True, False, False]


def test_sequential_measures_its_components() -> None:
    learning = SequentialLearning(config())
    feed(learning, INITIAL + 3)
    learning.poll()  # three: the second and third follow at once
    learner = learning.learner
    assert [int(part.counts.sum()) for part in learner.components] == [3, 3, 3, 3, 2]
    feed(learning, 1, start=INITIAL + 3)
    learning.poll()  # one, which waited for its step
    assert learner.cycle.counts.sum() == 2


@pytest.mark.parametrize("algorithm", ["ddpg", "sac"])
def test_sequential_from_state_alone_updates_without_images(algorithm: str) -> None:
    settings = {"agent.initial_steps": INITIAL, "replay.capacity": 1000, "learning.batch_size": 8}
    state_only = resolve(
        "laptop", {"task": "reach", "algorithm": algorithm, "architecture": "seq", **settings}, "panda"
    )
    learning, rng = SequentialLearning(state_only), np.random.default_rng(0)
    sizes = StepSizes.from_config(state_only)
    for i in range(INITIAL + 4):
        state, action = rng.normal(size=sizes.state).astype(np.float32), rng.uniform(-1, 1, 7).astype(np.float32)
        learning.send(Step(SINGLE_ACTOR, i, 1, i, np.zeros((0, 0, 0, 3), np.uint8), state, action, 1.0, terminal=False))
    assert learning.poll() and learning.updates > 0
    assert learning.replay.store.nbytes < 1_000_000
