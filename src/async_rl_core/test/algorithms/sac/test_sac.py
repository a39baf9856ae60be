import copy
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from async_rl_core.spec.batch import Batch
from async_rl_core.spec.observation import ObservationSpec

from ..learner_state import assert_same, everything
from ..small import Small

Batches = Callable[..., Batch]


def values(module: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in module.parameters()])


def constant(network: nn.Sequential, value: float) -> None:
    """Make a network's output this constant."""
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    last = network[-1]
    assert isinstance(last, nn.Linear)
    nn.init.constant_(last.bias, value)


def test_target_Q_of_constant_networks_is_the_value_worked_out_by_hand(
    spec: ObservationSpec, small: Small, make_batch: Batches
) -> None:
    """Networks of constant outputs: Q1' = 3, Q2' = 2, mu = 0, log std = -4, so every term is known."""
    sac = small.sac(reward_scale=0.5, seed=0)
    with torch.no_grad():
        constant(sac.target_critic.Q1, 3.0)
        constant(sac.target_critic.Q2, 2.0)
        constant(sac.critic.Q1, -100.0)  # the online critic must not matter
        constant(sac.actor.trunk, 0.0)
    batch = make_batch()
    batch.reward[:] = np.arange(8)
    batch.bootstrap[:] = [0.99, 0] * 4
    sac.load(batch)
    noise = torch.randn(8, 2, generator=torch.Generator().manual_seed(0)).double().numpy()
    u = math.exp(-4.0) * noise
    log_pi = (-0.5 * noise**2 + 4.0 - 0.5 * math.log(2 * math.pi) - np.log(1 - np.tanh(u) ** 2)).sum(axis=1)
    expected = 0.5 * np.arange(8) + 0.99 * np.array([1, 0] * 4) * (2.0 - 0.1 * log_pi)
    np.testing.assert_allclose(sac.target_Q().numpy(), expected, rtol=1e-5)


def test_update_critic_of_constant_networks_gives_loss_and_td_error_worked_out_by_hand(
    spec: ObservationSpec, small: Small, make_batch: Batches
) -> None:
    """Q1 = 1, Q2 = 4, and targets that are the rewards, since nothing follows them."""
    sac = small.sac(seed=0)
    with torch.no_grad():
        constant(sac.critic.Q1, 1.0)
        constant(sac.critic.Q2, 4.0)
    batch = make_batch()
    batch.reward[:] = [0, 1, 2, 3, 4, 5, 6, 7]
    batch.bootstrap[:] = 0
    batch.weight[:] = [1, 1, 1, 1, 0, 0, 0, 0.5]
    metrics = sac.update(batch)
    squares = [1 + 16, 0 + 9, 1 + 4, 4 + 1, 0, 0, 0, 0.5 * (36 + 9)]
    assert metrics["critic_loss"] == pytest.approx(0.5 * sum(squares) / 8)
    expected = [(1 + 4) / 2, (0 + 3) / 2, (1 + 2) / 2, (2 + 1) / 2, (3 + 0) / 2, (4 + 1) / 2, (5 + 2) / 2, (6 + 3) / 2]
    np.testing.assert_allclose(sac.td_error.numpy(), expected)


def test_update_with_a_transition_of_weight_0_ignores_it(
    spec: ObservationSpec, small: Small, make_batch: Batches
) -> None:
    ends = []
    for reward in (0.0, 1000.0):
        sac, batch = small.sac(actor_update_frequency=1000, seed=0), make_batch()
        sac.updates = 1  # not the actor's turn
        batch.weight[3], batch.reward[3] = 0.0, reward
        sac.update(batch)
        ends.append(everything(sac))
    assert_same(*ends)


def test_target_Q_takes_actions_by_the_online_and_values_by_the_target_encoder(
    spec: ObservationSpec, small: Small, make_batch: Batches
) -> None:
    sac = small.sac(seed=0)
    with torch.no_grad():
        for parameter in sac.target_encoder.parameters():
            parameter.add_(0.1)
    sac.load(make_batch())
    b, noise = sac.batch, torch.randn(8, 2, generator=torch.Generator().manual_seed(0))
    pi, log_pi = sac.actor.sample(sac.encoder(b.next_observation), b.next_state, noise)
    Q1, Q2 = sac.target_critic(sac.target_encoder(b.next_observation), b.next_state, pi)
    expected = b.reward + b.bootstrap * (torch.minimum(Q1, Q2) - 0.1 * log_pi)
    torch.testing.assert_close(sac.target_Q(), expected.detach())


def test_update_critic_steps_critic_and_encoder_down_the_soft_bellman_residual(
    spec: ObservationSpec, small: Small, make_batch: Batches
) -> None:
    """One update against plain autograd, plain Adam and images from 0 to 1, written independently."""
    sac = small.sac(actor_update_frequency=1000, seed=0)
    sac.updates = 1  # not the actor's turn
    encoder, critic = copy.deepcopy(sac.encoder), copy.deepcopy(sac.critic)
    batch = make_batch()
    sac.load(batch)
    state = sac.generator.get_state()
    target_Q = sac.target_Q()
    sac.generator.set_state(state)
    features = encoder(torch.from_numpy(batch.observation_images).permute(0, 3, 1, 2).float())
    Q1, Q2 = critic(features, torch.from_numpy(batch.observation_state), torch.from_numpy(batch.action))
    loss = (0.5 * (Q1 - target_Q) ** 2 + 0.5 * (Q2 - target_Q) ** 2).mean()
    loss.backward()
    torch.optim.Adam(encoder.parameters(), lr=1e-3).step()
    torch.optim.Adam(critic.parameters(), lr=3e-4).step()
    metrics = sac.update(batch)
    assert metrics["critic_loss"] == pytest.approx(loss.item(), rel=1e-4)
    torch.testing.assert_close(values(sac.critic), values(critic), atol=2e-5, rtol=0)
    torch.testing.assert_close(values(sac.encoder), values(encoder), atol=5e-5, rtol=0)


def test_update_actor_steps_up_its_objective_and_leaves_the_encoder(
    spec: ObservationSpec, small: Small, make_batch: Batches
) -> None:
    sac = small.sac(seed=0)
    sac.load(make_batch())
    with torch.no_grad():
        features = sac.encoder(sac.batch.observation)
    before = values(sac.actor), values(sac.encoder), values(sac.critic)
    actor, state = copy.deepcopy(sac.actor), sac.generator.get_state()
    encoder_moments = [m.clone() for m in sac.critic_optimiser.state[next(sac.encoder.parameters())].values()]
    sac.update_actor_and_temperature(features)
    assert not torch.equal(values(sac.actor), before[0])
    assert torch.equal(values(sac.encoder), before[1]) and torch.equal(values(sac.critic), before[2])
    assert all(p.grad is None for p in (*sac.encoder.parameters(), *sac.critic.parameters()))
    moments = sac.critic_optimiser.state[next(sac.encoder.parameters())].values()
    assert all(torch.equal(m, before_m) for m, before_m in zip(moments, encoder_moments, strict=True))

    noise = torch.randn(8, 2, generator=torch.Generator().manual_seed(0))
    assert torch.equal(state, torch.Generator().manual_seed(0).get_state())
    pi, log_pi = actor.sample(features, sac.batch.state, noise)
    Q1, Q2 = sac.critic(features, sac.batch.state, pi)
    (0.1 * log_pi - torch.minimum(Q1, Q2)).mean().backward()
    torch.optim.Adam(actor.parameters(), lr=3e-4).step()
    torch.testing.assert_close(values(sac.actor), values(actor), atol=1e-5, rtol=0)


def test_update_actor_without_reuse_sees_the_new_encoder(
    spec: ObservationSpec, small: Small, make_batch: Batches
) -> None:
    seen = []
    for reuse in (False, True):
        sac = small.sac(reuse_features=reuse, encoder_learning_rate=0.1, seed=0)
        with torch.no_grad():
            sac.load(make_batch())
            before = sac.encoder(sac.batch.observation)
        sac.actor.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
        sac.update(make_batch())
        with torch.no_grad():
            after = sac.encoder(sac.batch.observation)
        torch.testing.assert_close(seen[-1], before if reuse else after)


@pytest.mark.parametrize(("entropy_above_target", "sign"), [(True, -1), (False, 1)])
def test_update_temperature_moves_the_entropy_to_its_target(
    spec: ObservationSpec, small: Small, make_batch: Batches, entropy_above_target: bool, sign: int
) -> None:
    target = -100.0 if entropy_above_target else 100.0
    sac = small.sac(target_entropy=target, seed=0)
    assert sac.alpha.item() == pytest.approx(0.1)
    sac.update(make_batch())
    # Adam's first step is the learning rate itself.
    assert sac.log_alpha.item() - math.log(0.1) == pytest.approx(sign * 1e-4, rel=0.01)


def test_update_temperature_gradient_is_that_of_equation_2_7(
    spec: ObservationSpec, small: Small, make_batch: Batches
) -> None:
    """alpha (H - target) by log alpha is alpha (H - target) itself; Adam's first moment tells what it was given."""
    sac = small.sac(seed=0)
    metrics = sac.update(make_batch())
    gradient = 0.1 * (metrics["entropy"] + 2.0)
    moments = sac.temperature_optimiser.state[sac.log_alpha]
    assert moments["exp_avg"].item() == pytest.approx((1 - 0.5) * gradient, rel=1e-4)
    assert moments["exp_avg_sq"].item() == pytest.approx((1 - 0.999) * gradient**2, rel=1e-4)


def test_sac_optimisers_have_their_rates_and_betas(spec: ObservationSpec, small: Small) -> None:
    sac = small.sac(seed=0)
    of_critic, of_actor, of_temperature = sac.optimisers.values()
    for optimiser, index, parameters, rate, beta in (
        (of_critic, 0, sac.critic.parameters(), 3e-4, 0.9),
        (of_critic, 1, sac.encoder.parameters(), 1e-3, 0.9),
        (of_actor, 0, sac.actor.parameters(), 3e-4, 0.9),
        (of_temperature, 0, [sac.log_alpha], 1e-4, 0.5),
    ):
        group = optimiser.groups[index]
        assert [id(p) for p in group.parameters] == [id(p) for p in parameters]
        assert (group.learning_rate, optimiser.betas) == (rate, (beta, 0.999))


def test_sac_target_entropy_by_default_is_minus_the_number_of_actions(spec: ObservationSpec, small: Small) -> None:
    assert small.sac(action_size=5, seed=0).target_entropy == -5.0


def test_update_follows_its_frequencies_and_target_rates(
    spec: ObservationSpec, small: Small, make_batch: Batches
) -> None:
    sac = small.sac(actor_update_frequency=2, target_update_frequency=3, seed=0)
    for update in range(6):
        actor, critic = values(sac.actor), values(sac.critic)
        target_critic, target_encoder = values(sac.target_critic), values(sac.target_encoder)
        sac.update(make_batch(update))
        assert not torch.equal(values(sac.critic), critic)
        assert torch.equal(values(sac.actor), actor) == (update % 2 != 0)
        if update % 3 == 0:
            expected = 0.99 * target_critic + 0.01 * values(sac.critic)
            torch.testing.assert_close(values(sac.target_critic), expected)
            expected = 0.95 * target_encoder + 0.05 * values(sac.encoder)
            torch.testing.assert_close(values(sac.target_encoder), expected)
        else:
            assert torch.equal(values(sac.target_critic), target_critic)
            assert torch.equal(values(sac.target_encoder), target_encoder)


def test_sac_targets_start_as_copies(spec: ObservationSpec, small: Small) -> None:
    sac = small.sac(seed=0)
    assert torch.equal(values(sac.target_critic), values(sac.critic))
    assert torch.equal(values(sac.target_encoder), values(sac.encoder))


def test_sac_with_encoder_tau_of_1_has_no_target_encoder(
    spec: ObservationSpec, small: Small, make_batch: Batches
) -> None:
    sac = small.sac(encoder_tau=1.0, seed=0)
    assert sac.target_encoder is sac.encoder
    sac.update(make_batch())


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_update_of_one_seed_ends_with_the_same_bits(
    spec: ObservationSpec, small: Small, make_batch: Batches, precision: str
) -> None:
    ends = []
    for _ in range(2):
        torch.manual_seed(len(ends))  # the global state must not matter
        sac = small.sac(precision=precision, seed=5)
        metrics = [sac.update(make_batch(i)) for i in range(4)]
        ends.append((sac.policy_parameters().copy(), values(sac.critic), values(sac.target_critic), metrics))
    np.testing.assert_array_equal(ends[0][0], ends[1][0])
    assert torch.equal(ends[0][1], ends[1][1]) and torch.equal(ends[0][2], ends[1][2])
    assert ends[0][3] == ends[1][3]


def test_sac_of_two_seeds_differs(spec: ObservationSpec, small: Small) -> None:
    first, second = (small.sac(seed=seed) for seed in (0, 1))
    assert not np.array_equal(first.policy_parameters(), second.policy_parameters())


def test_update_returns_metrics_only_on_request(spec: ObservationSpec, small: Small, make_batch: Batches) -> None:
    sac = small.sac(seed=0)
    metrics = sac.update(make_batch())
    assert set(metrics) == {"critic_loss", "Q", "target_Q", "batch_reward", "actor_loss", "entropy", "alpha"}
    assert all(isinstance(value, float) and math.isfinite(value) for value in metrics.values())
    assert sac.update(make_batch(), report=False) == {}
