import numpy as np
import pytest

from async_rl_core.config.load import resolve
from async_rl_core.replay.batch import BatchLayout
from async_rl_core.replay.replay import Replay
from async_rl_core.replay.step import Step

CONFIG = resolve(
    "laptop",
    {"replay.capacity": 1000, "agent.initial_steps": 3, "learner.max_updates_per_step": 1.0, "sac.batch_size": 8},
)


def insert(replay: Replay, count: int) -> None:
    joints = len(CONFIG.robot.actuated_joints)
    rng = np.random.default_rng(0)
    for i in range(count):
        frame = rng.integers(0, 256, (1, CONFIG.camera.height, CONFIG.camera.width, 3), dtype=np.uint8)
        zeros = np.zeros(joints, np.float32)
        replay.insert(Step(i, 0, i, frame, np.zeros(3 * joints, np.float32), zeros, 0.0, False))


def test_first_observation_is_not_an_environment_step() -> None:
    replay = Replay(CONFIG)
    insert(replay, 3)
    assert not replay.permits
    insert(replay, 2)
    assert replay.permits


def test_serves_what_is_permitted_and_no_more() -> None:
    replay = Replay(CONFIG)
    insert(replay, 5)
    batch = BatchLayout.of(CONFIG).allocate()
    replay.sample_into(batch)
    replay.sample_into(batch)
    assert not replay.permits
    with pytest.raises(ValueError, match="did not permit"):
        replay.sample_into(batch)


def test_a_seed_decides_every_byte() -> None:
    batches = []
    for _ in range(2):
        replay = Replay(CONFIG)
        insert(replay, 5)
        batches.append(BatchLayout.of(CONFIG).allocate())
        replay.sample_into(batches[-1])
    np.testing.assert_array_equal(batches[0].buffer, batches[1].buffer)
