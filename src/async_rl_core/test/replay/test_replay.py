import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.replay.journal import journal, run_journal
from async_rl_core.replay.journal.journal import StepJournal, read_steps
from async_rl_core.replay.journal.segment import JournalEntry, JournalPosition
from async_rl_core.replay.replay import Replay
from async_rl_core.spec.batch import Batch, BatchLayout
from async_rl_core.spec.sizes import StepSizes
from async_rl_core.spec.step import SINGLE_ACTOR, Step

OVERRIDES = {
    "camera.width": 32,
    "camera.height": 24,
    "replay.capacity": 1000,
    "agent.initial_steps": 3,
    "learner.max_updates_per_step": 1.0,
    "learning.batch_size": 8,
    "sac.encoder_strides": (2, 1),
}
CONFIG = resolve("laptop", OVERRIDES)
EPISODE = 101
"""Steps of an episode with its first observation: 4 s at 40 ms."""


def make_steps(count: int, first: int = 0, terminal: bool = False) -> Iterator[Step]:
    sizes = StepSizes.from_config(CONFIG)
    for i in range(first, first + count):
        rng = np.random.default_rng(i)
        frame = rng.integers(0, 256, (1, sizes.height, sizes.width, 3), dtype=np.uint8)
        vectors = rng.random(sizes.state, np.float32), rng.random(sizes.action, np.float32)
        yield Step(SINGLE_ACTOR, i, i // EPISODE, i % EPISODE, frame, *vectors, float(i), terminal)


def insert(replay: Replay, count: int, first: int = 0) -> None:
    for step in make_steps(count, first):
        replay.insert(step)


def sample(replay: Replay, config: Config = CONFIG) -> Batch:
    batch = BatchLayout.from_config(config).allocate()
    replay.sample_into(batch)
    return batch


def drain(replay: Replay, config: Config = CONFIG) -> list[Batch]:
    """Sample what is permitted."""
    batches = []
    while replay.permits:
        batches.append(sample(replay, config))
    return batches


def test_first_observation_of_an_episode_is_no_environment_step() -> None:
    replay = Replay(CONFIG)
    insert(replay, 3)
    assert not replay.permits
    insert(replay, 1, first=3)
    assert replay.permits


def test_replay_samples_only_what_is_permitted() -> None:
    replay = Replay(CONFIG)
    insert(replay, 5)
    assert len(drain(replay)) == 2
    with pytest.raises(ValueError, match="did not permit"):
        sample(replay)


@pytest.mark.parametrize("sampler", ["uniform", "prioritised"])
def test_replay_with_one_seed_samples_the_same_bytes(sampler: str) -> None:
    config = resolve("laptop", {**OVERRIDES, "replay.sampler": sampler})
    batches = []
    for _ in range(2):
        replay = Replay(config)
        insert(replay, 5)
        batches.append(sample(replay, config))
    np.testing.assert_array_equal(batches[0].buffer, batches[1].buffer)


def test_replay_ignores_a_repeated_step() -> None:
    once, twice = Replay(CONFIG), Replay(CONFIG)
    insert(once, 20)
    for first in (0, 5, 3, 10):
        insert(twice, 10, first)
    assert twice.repeated == 40 - 20
    assert twice.limiter == once.limiter
    for one, other in zip(drain(once), drain(twice), strict=True):
        np.testing.assert_array_equal(one.buffer, other.buffer)


@pytest.mark.parametrize(
    ("rule", "transitions", "ends"), [("bootstrap", 100, 0.99), ("terminal", 100, 0.0), ("drop", 99, 0.99)]
)
def test_last_step_of_an_episode_follows_the_time_limit_rule(rule: str, transitions: int, ends: float) -> None:
    config = resolve("laptop", {**OVERRIDES, "replay.time_limit": rule, "learning.batch_size": 1000})
    replay = Replay(config)
    insert(replay, EPISODE)
    assert len(replay.store) == transitions
    assert replay.store.env_steps == 100, "the step was done, whatever it is worth"
    batch = sample(replay, config)
    assert batch.reward.max() == transitions
    last = batch.reward == transitions
    np.testing.assert_array_equal(batch.bootstrap[last], np.float32(ends))
    np.testing.assert_array_equal(batch.bootstrap[~last], np.float32(0.99))


def test_terminal_step_is_terminal_under_any_time_limit_rule() -> None:
    replay = Replay(CONFIG)
    for step in make_steps(5, terminal=True):
        replay.insert(step)
    assert (sample(replay).bootstrap == 0).all()


def test_prioritised_replay_draws_large_errors_more_often() -> None:
    config = resolve("laptop", {**OVERRIDES, "replay.sampler": "prioritised", "learning.batch_size": 200})
    replay = Replay(config)
    insert(replay, 12)
    batch = sample(replay, config)
    assert (batch.weight == 1).all()
    replay.reprioritise(batch.index, np.where(batch.reward == 7, 100.0, 0.01).astype(np.float32))
    insert(replay, 1, first=12)
    batch = sample(replay, config)
    counts = np.bincount(batch.reward.astype(int))
    assert counts[7] > 80
    assert counts[12] > 80, "the newest is as likely as the most surprising"
    np.testing.assert_allclose(batch.weight[(batch.reward != 7) & (batch.reward != 12)], 1.0, rtol=0.1)
    np.testing.assert_allclose(batch.weight[batch.reward == 7], (1e4**0.6) ** -0.4, rtol=0.1)


def journalled(config: Config, folder: Path) -> Replay:
    """As the replay process starts."""
    replay = Replay(config)
    replay.open_journal(folder)
    return replay


def contents(replay: Replay, config: Config) -> Batch:
    """All that is stored, in order."""

    class Everything:
        def sample(self, count: int, first: int, end: int) -> tuple[np.ndarray, float]:
            return np.arange(first, end), 1.0

        def reprioritise(self, numbers: np.ndarray, td_error: np.ndarray) -> None:
            raise NotImplementedError

    layout = BatchLayout.from_config(
        config.model_copy(update={"learning": config.learning.model_copy(update={"batch_size": len(replay.store)})})
    )
    batch, store = layout.allocate(), replay.store
    store.sample_into(batch, Everything(), replay._crop, np.random.default_rng(0))
    store.batches -= 1
    return batch


@pytest.fixture(scope="module")
def small_segments() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_journal, "StepJournal", partial(StepJournal, segment_bytes=100_000))
        patch.setattr(journal, "CLOSE_TIMEOUT", 60.0)  # a slow disk is not what is tested here
        yield


@settings(max_examples=8, deadline=None)
@given(
    lives=st.lists(st.integers(0, 600), min_size=2, max_size=4),
    n_step=st.sampled_from([1, 3]),
    time_limit=st.sampled_from(["bootstrap", "drop", "terminal"]),
)
def test_replay_restored_from_its_journal_equals_one_that_never_ended(
    small_segments: None, tmp_path_factory: pytest.TempPathFactory, lives: list[int], n_step: int, time_limit: str
) -> None:
    """Across several ends, wrap-around and forgotten segments included; `never` never ends."""
    folder = tmp_path_factory.mktemp("replay")
    config = resolve("laptop", {**OVERRIDES, "replay.n_step": n_step, "replay.time_limit": time_limit})
    never, first = Replay(config), 0
    for count in lives:
        replay = journalled(config, folder)
        assert (replay.store.newest(), replay.store.env_steps) == (first - 1, never.store.env_steps)
        assert replay.limiter.inserted == never.limiter.inserted
        assert not replay.permits, "a burst of updates"
        for step in make_steps(count, first):
            never.insert(step)
            replay.insert(step)
            drain(replay, config)
        first += count
        assert len(replay.store) == len(never.store)
        if len(never.store):
            one, other = contents(replay, config), contents(never, config)
            for name in Batch.__slots__:
                if name not in ("buffer", "header", "index"):
                    np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        replay.close()
        assert replay.durable() == first - 1


def test_restored_replay_draws_other_mini_batches() -> None:
    position, entries = JournalPosition(0, 0, 0, 0), []
    before = Replay(CONFIG)
    drawn: list[bytes] = []
    for step in make_steps(30):
        before.insert(step)
        position = JournalPosition(step.sequence, step.episode, before.store.env_steps, before.store.batches)
        entries.append(JournalEntry(step, position))
        drawn += [batch.index.tobytes() for batch in drain(before)]
    after = Replay(CONFIG)
    after.restore(entries)
    insert(after, 10, first=30)
    again = [batch.index.tobytes() for batch in drain(after)]
    assert len(again) == 10
    assert not {*drawn} & {*again}
    assert after.store.batches == before.store.batches + 10 - 1  # that of the last step was not known of


def test_replay_without_a_journal_acknowledges_stored_steps() -> None:
    replay = Replay(CONFIG)
    assert replay.durable() == -1
    insert(replay, 5)
    assert replay.durable() == 4
    replay.restore([])
    replay.close()


@pytest.mark.parametrize(
    "spoiled",
    [
        {"reward": math.nan},
        {"reward": -math.inf},
        {"reward": 1e39},
        {"action": np.full(5, np.nan, np.float32)},
        {"state": np.full(15, np.inf, np.float32)},
    ],
    ids=["NaN", "infinite", "beyond float32", "action", "state"],
)
def test_replay_step_that_is_not_finite_is_neither_stored_nor_journalled(
    tmp_path: Path, spoiled: dict[str, Any]
) -> None:
    replay = journalled(CONFIG, tmp_path)
    for step in make_steps(20):
        replay.insert(replace(step, **spoiled) if step.sequence == 7 else step)
    assert (replay.refused, replay.lost, replay.repeated) == (1, 0, 0)
    assert len(replay.store) == 6 + 9  # none across the gap, nor before a stack is complete again
    replay.insert(next(make_steps(1, first=7)))
    assert replay.repeated == 1
    replay.close()
    assert [step.sequence for step in read_steps(tmp_path)] == [*range(7), *range(8, 20)]


def test_replay_journal_with_steps_that_are_not_finite_goes_on_without_them(tmp_path: Path) -> None:
    sizes = StepSizes.from_config(CONFIG)
    written = StepJournal(tmp_path, sizes, 5.0)
    for step in make_steps(20):
        reward = math.nan if step.sequence in (7, 19) else step.reward
        written.append(replace(step, reward=reward), JournalPosition(step.sequence, 0, step.index, 0))
    written.close()
    replay = journalled(CONFIG, tmp_path)
    assert (replay.refused, len(replay.store)) == (2, 6 + 8)
    assert replay.durable() == 19, "its number is not used again"
    insert(replay, 10, first=20)
    assert np.isfinite(drain(replay)[0].reward).all()
    replay.close()


def test_replay_with_a_damaged_journal_warns_and_keeps_whole_steps(tmp_path: Path) -> None:
    replay = journalled(CONFIG, tmp_path)
    insert(replay, 20)
    replay.close()
    (path,) = tmp_path.iterdir()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    warnings: list[str] = []
    replay = Replay(CONFIG)
    replay.open_journal(tmp_path, warn=warnings.append)
    assert len(replay.store) == 15
    assert "are damaged" in warnings[0] and "its 19 whole steps are kept" in warnings[1]
    replay.close()
