from collections.abc import Callable

import numpy as np
import pytest
import torch

from async_rl_core.policies.gaussian import GaussianPolicy
from async_rl_core.spec.batch import Batch
from async_rl_core.spec.observation import ObservationSpec

from ..algorithms.small import Small

Batches = Callable[..., Batch]


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-6), ("bf16", 1e-2)])
def test_load_makes_the_policy_the_learners_actor(
    spec: ObservationSpec, small: Small, make_batch: Batches, precision: str, tolerance: float
) -> None:
    batch = make_batch()
    sac, policy = small.sac(precision=precision, seed=1), small.policy(precision=precision, seed=9)
    for i in range(3):
        sac.update(make_batch(i))
    policy.load(sac.policy_parameters())
    sac.load(batch)
    with torch.no_grad():
        features = sac.encoder(sac.batch.observation)
        mu, _ = sac.actor(features, sac.batch.state)
    for i in range(8):
        action = policy.act(batch.observation_images[i], batch.observation_state[i], deterministic=True)
        np.testing.assert_allclose(action, torch.tanh(mu[i]), atol=tolerance)
        np.testing.assert_allclose(policy.feature_points, features[i].reshape(-1, 2), atol=tolerance)


def test_prepare_after_writing_networks_acts_by_them(spec: ObservationSpec, small: Small, make_batch: Batches) -> None:
    sac, by_hand, loaded = (
        small.sac(seed=1),
        *(small.policy(seed=9) for _ in "ab"),
    )
    loaded.load(sac.policy_parameters())
    by_hand.encoder.load_state_dict(sac.encoder.state_dict())
    by_hand.actor.load_state_dict(sac.actor.state_dict())
    by_hand.prepare()
    batch = make_batch()
    observation = batch.observation_images[0], batch.observation_state[0]
    np.testing.assert_array_equal(by_hand.act(*observation), loaded.act(*observation))


def test_gaussian_policy_starts_as_the_learners_first(spec: ObservationSpec, small: Small, make_batch: Batches) -> None:
    policy, fresh = (small.policy(seed=4) for _ in range(2))
    fresh.load(small.sac(seed=4).policy_parameters())
    batch = make_batch()
    observation = batch.observation_images[0], batch.observation_state[0]
    np.testing.assert_array_equal(policy.act(*observation), fresh.act(*observation))


def test_act_samples_around_the_mean_within_bounds(spec: ObservationSpec, small: Small, make_batch: Batches) -> None:
    policy, batch = small.policy(log_std_bounds=(-1.0, 0.0), seed=0), make_batch()
    observation = batch.observation_images[0], batch.observation_state[0]
    actions = np.stack([policy.act(*observation) for _ in range(300)])
    assert actions.dtype == np.float32 and actions.shape == (300, 2)
    assert np.abs(actions).max() <= 1.0 and actions.std(axis=0).min() > 0.1
    mean = policy.act(*observation, deterministic=True)
    assert np.abs(np.arctanh(actions.astype(float)).mean(axis=0) - np.arctanh(mean)).max() < 0.2


def test_act_returns_arrays_that_later_calls_keep(spec: ObservationSpec, small: Small, make_batch: Batches) -> None:
    policy, batch = small.policy(seed=0), make_batch()
    first = policy.act(batch.observation_images[0], batch.observation_state[0])
    kept, points = first.copy(), policy.feature_points
    kept_points = points.copy()
    policy.act(batch.observation_images[1], batch.observation_state[1])
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(points, kept_points)
    assert points.shape == (4, 2)


@pytest.mark.parametrize("wrong", [lambda flat: flat[:-1], lambda flat: flat.astype(np.float64)])
def test_load_of_another_networks_parameters_is_refused(
    spec: ObservationSpec, small: Small, wrong: Callable[[np.ndarray], np.ndarray]
) -> None:
    policy = small.policy(seed=0)
    with pytest.raises(ValueError, match=f"takes {policy.size} float32"):
        policy.load(wrong(np.zeros(policy.size, np.float32)))


def test_begin_episode_makes_the_noise_follow_from_its_number(
    spec: ObservationSpec, small: Small, make_batch: Batches
) -> None:
    batch = make_batch()
    observation = batch.observation_images[0], batch.observation_state[0]

    def actions(policy: GaussianPolicy, episode: int) -> np.ndarray:
        policy.begin_episode(episode)
        return np.stack([policy.act(*observation) for _ in range(3)])

    first, later = (small.policy(seed=4) for _ in range(2))
    played = {episode: actions(first, episode) for episode in (1, 2, 3)}
    np.testing.assert_array_equal(actions(later, 3), played[3])
    assert not np.array_equal(played[2], played[3])
    other = small.policy(seed=5)
    other.load(first._parameters)
    assert not np.array_equal(actions(other, 3), played[3])
