"""Soft actor-critic (Haarnoja et al., 2018b; SAC-AE, Yarats et al., 2019; Yuan, 2022, section 4.1)."""

import copy
import math

import torch
from torch import Tensor, nn

from async_rl_core.algorithms.base import AlgorithmSetup
from async_rl_core.algorithms.common.adam import Adam, ParameterGroup
from async_rl_core.algorithms.common.gradient_learner import GradientLearner
from async_rl_core.algorithms.common.networks import TwinCritic, build_gaussian_policy
from async_rl_core.algorithms.common.parameters import flatten, initialise
from async_rl_core.algorithms.sac.config import SACConfig

CRITIC_METRICS = ("critic_loss", "Q", "target_Q", "batch_reward")
ACTOR_METRICS = ("actor_loss", "entropy", "alpha")
"""Of the last update that stepped the actor."""


class SAC(GradientLearner):
    """Networks, targets, temperature and optimisers; `update` is one step of all of them.

    The encoder is shared by actor and critic and trained by the critic's loss only. On one CPU, two learners of one
    seed and number of threads that get the same batches end with the same bits.
    """

    metric_names = (*CRITIC_METRICS, *ACTOR_METRICS)

    def __init__(self, config: SACConfig, setup: AlgorithmSetup, device: str = "cpu") -> None:
        super().__init__(setup, device)
        self._config = config
        self.target_entropy = float(-setup.action_size) if config.target_entropy is None else config.target_entropy
        self._noise = torch.zeros(setup.learning.batch_size, setup.action_size, device=self.device)
        self._critic_metrics, self._actor_metrics = self.metrics.tensor_split([len(CRITIC_METRICS)])
        self._build_networks()
        self._build_optimisers()
        self.start(config.actor_update_frequency, config.target_update_frequency)

    def _build_networks(self) -> None:
        config, setup = self.config, self.setup
        self.encoder, self.actor = build_gaussian_policy(config, config.log_std_bounds, setup, self.dtype)
        inputs = self.encoder.size + setup.spec.state_size
        self.critic = TwinCritic(inputs, setup.action_size, config.hidden_sizes, config.layer_norm, self.dtype)
        initialise(self.critic, torch.Generator().manual_seed(setup.seed + 1))
        for network in (self.encoder, self.actor, self.critic):
            network.to(self.device)
        self.target_critic = copy.deepcopy(self.critic).requires_grad_(False)
        # A target encoder that follows at once is the encoder itself, and saves a pass over the images.
        self.shares_target_encoder = config.encoder_tau == 1.0 or not self.encoder.size
        self.target_encoder = (
            self.encoder if self.shares_target_encoder else copy.deepcopy(self.encoder).requires_grad_(False)
        )
        self.hand_out(self.encoder, self.actor)
        self._critic = flatten(self.critic)
        self._target_critic = flatten(self.target_critic)
        if not self.shares_target_encoder:
            self._target_encoder = flatten(self.target_encoder)
        self.log_alpha = torch.tensor(math.log(config.initial_temperature), device=self.device, requires_grad=True)

    def _build_optimisers(self) -> None:
        config = self.config
        critic = ParameterGroup(list(self.critic.parameters()), config.critic_learning_rate)
        encoder = ParameterGroup(list(self.encoder.parameters()), config.encoder_learning_rate)
        actor = ParameterGroup(list(self.actor.parameters()), config.actor_learning_rate)
        temperature = ParameterGroup([self.log_alpha], config.temperature_learning_rate)
        # None of them steps once a loss was not finite, without the host's having to look.
        self.critic_optimiser = Adam([critic, encoder], self.diverged)
        self.actor_optimiser = Adam([actor], self.diverged)
        self.temperature_optimiser = Adam([temperature], self.diverged, (config.temperature_beta, 0.999))

    @property
    def config(self) -> SACConfig:
        """The settings of section `sac`."""
        return self._config

    @property
    def optimisers(self) -> dict[str, Adam]:
        """The optimisers by name."""
        return {
            "critic_optimiser": self.critic_optimiser,
            "actor_optimiser": self.actor_optimiser,
            "temperature_optimiser": self.temperature_optimiser,
        }

    @property
    def networks(self) -> dict[str, nn.Module]:
        """The networks by name, each once."""
        networks: dict[str, nn.Module] = {
            "encoder": self.encoder,
            "actor": self.actor,
            "critic": self.critic,
            "target_critic": self.target_critic,
        }
        return networks if self.shares_target_encoder else networks | {"target_encoder": self.target_encoder}

    @property
    def extra_state(self) -> dict[str, Tensor]:
        """The temperature's logarithm."""
        return {"log_alpha": self.log_alpha}

    @property
    def alpha(self) -> Tensor:
        """The temperature, a scalar."""
        return self.log_alpha.exp()

    def step(self, actor: bool, targets: bool) -> None:
        """Updates from the loaded batch: critic and encoder, and if so told actor, temperature and targets."""
        features = self.update_critic()
        if actor:
            self.update_actor_and_temperature(features)
        if targets:
            self._update_targets()

    @torch.no_grad()
    def target_Q(self) -> Tensor:
        """Returns R + gamma^n * (min target Q(s', a') - alpha log pi(a'|s')), (B,): equations 2.4 and 2.5.

        The next action is the current policy's, on the online encoder's features.
        """
        b = self.batch
        features = self.encoder.infer(b.next_observation)
        pi, log_pi = self.actor.sample(features, b.next_policy_state, self.sample_noise())
        target_features = features if self.shares_target_encoder else self.target_encoder.infer(b.next_observation)
        Q1, Q2 = self.target_critic(target_features, b.next_state, pi)
        target_V = torch.minimum(Q1, Q2) - self.alpha * log_pi
        target_Q: Tensor = self.setup.learning.reward_scale * b.reward + b.bootstrap * target_V
        return target_Q

    def update_critic(self) -> Tensor:
        """Steps critic and encoder down equation 2.4; returns the features of the observations, detached."""
        b = self.batch
        target_Q = self.target_Q()
        features: Tensor = self.encoder(b.observation)
        Q1, Q2 = self.critic(features, b.state, b.action)
        error_1, error_2 = Q1 - target_Q, Q2 - target_Q
        critic_loss = 0.5 * (b.weight * (error_1.square() + error_2.square())).mean()
        self.descend(critic_loss, self.critic_optimiser)
        with torch.no_grad():
            torch.add(0.5 * error_1.abs(), 0.5 * error_2.abs(), out=self.td_error)
            torch.stack((critic_loss, Q1.mean(), target_Q.mean(), b.reward.mean()), out=self._critic_metrics)
        return features.detach()

    def update_actor_and_temperature(self, features: Tensor) -> None:
        """Steps the actor up equation 2.6 and the temperature down equation 2.7; the encoder gets no gradient."""
        b = self.batch
        if not self.config.reuse_features:
            features = self.encoder.infer(b.observation)
        pi, log_pi = self.actor.sample(features, b.policy_state, self.sample_noise())
        Q1, Q2 = self.critic(features, b.state, pi)
        alpha = self.alpha.detach()
        actor_loss = (alpha * log_pi - torch.minimum(Q1, Q2)).mean()
        self.descend(actor_loss, self.actor_optimiser)
        entropy = -log_pi.detach().mean()
        self.descend(self.alpha * (entropy - self.target_entropy), self.temperature_optimiser)
        with torch.no_grad():
            torch.stack((actor_loss, entropy, alpha), out=self._actor_metrics)

    @torch.no_grad()
    def _update_targets(self) -> None:
        self.follow(self._target_critic, self._critic, self.config.critic_tau)
        if not self.shares_target_encoder:
            self.follow(self._target_encoder, self.policy[: self._target_encoder.numel()], self.config.encoder_tau)

    def sample_noise(self) -> Tensor:
        """Returns standard normal noise (B, a), in memory that the next call writes over."""
        return self._noise.normal_(generator=self.generator)
