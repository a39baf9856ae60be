"""The whole algorithm on a problem small enough for seconds: point at a blob that only the pixels tell of."""

import numpy as np
import pytest
from numpy.typing import NDArray

from async_rl_core.policies.gaussian import GaussianPolicy
from async_rl_core.spec.batch import BatchLayout
from async_rl_core.spec.observation import ImageSpec, ObservationSpec, StatePart

from .small import Small

SPEC = ObservationSpec(ImageSpec(height=16, width=24, channels=3), (StatePart("joint_position", 1, "rad"),))
BATCH_SIZE = 32


def draw(position: float) -> NDArray[np.uint8]:
    """A red blob on white, its column from -1 (left) to 1 (right)."""
    image = np.full((SPEC.image.height, SPEC.image.width, 3), 255, np.uint8)
    column = round((position + 1) / 2 * (SPEC.image.width - 5))
    image[6:10, column : column + 5, 1:] = 0
    return image


def mean_reward(policy: GaussianPolicy) -> float:
    """Reward -|a - position| without noise, over the whole range."""
    positions = np.linspace(-1, 1, 21)
    return float(
        np.mean([-abs(policy.act(draw(p), np.zeros(1, np.float32), deterministic=True)[0] - p) for p in positions])
    )


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_sac_on_a_bandit_of_pixels_learns_it(precision: str) -> None:
    settings: dict[str, object] = {
        "batch_size": BATCH_SIZE,
        "encoder_channels": 8,
        "encoder_strides": (2, 1),
        "hidden_sizes": (64, 64),
        "actor_learning_rate": 3e-3,
        "critic_learning_rate": 3e-3,
        "temperature_learning_rate": 3e-3,
        "precision": precision,
    }
    small = Small(SPEC)
    sac, policy = small.sac(0, 1, **settings), small.policy(0, 1, **settings)
    batch = BatchLayout(BATCH_SIZE, SPEC, 1).allocate()
    rng, images = np.random.default_rng(0), [draw(p) for p in np.linspace(-1, 1, 101)]
    before = mean_reward(policy)
    for _ in range(400):
        index = rng.integers(0, 101, BATCH_SIZE)
        batch.observation_images[:] = batch.next_images[:] = np.stack([images[i] for i in index])
        batch.action[:] = rng.uniform(-1, 1, (BATCH_SIZE, 1))
        batch.reward[:] = -np.abs(batch.action[:, 0] - np.linspace(-1, 1, 101)[index])
        batch.weight[:] = 1.0
        sac.update(batch, report=False)
    policy.load(sac.policy_parameters())
    after = mean_reward(policy)
    assert before < -0.4
    assert after > -0.15
