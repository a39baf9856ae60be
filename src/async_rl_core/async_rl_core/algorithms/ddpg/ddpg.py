"""Deep deterministic policy gradient (Lillicrap et al., 2016)."""

import copy

import torch
from torch import Tensor, nn

from async_rl_core.algorithms.base import AlgorithmSetup
from async_rl_core.algorithms.common.adam import Adam, ParameterGroup
from async_rl_core.algorithms.common.gradient_learner import GradientLearner
from async_rl_core.algorithms.common.networks import Critic, build_deterministic_policy
from async_rl_core.algorithms.common.parameters import flatten, initialise
from async_rl_core.algorithms.ddpg.config import DDPGConfig

CRITIC_METRICS = ("critic_loss", "Q", "target_Q", "batch_reward")
ACTOR_METRICS = ("actor_loss",)
"""Of the last update that stepped the actor."""


class DDPG(GradientLearner):
    """An actor, a critic and an encoder, with target networks of all three.

    The encoder is shared by actor and critic and trained by the critic's loss only. The action enters the critic's
    first layer, and there is no weight decay, unlike in the paper.
    """

    metric_names = (*CRITIC_METRICS, *ACTOR_METRICS)

    def __init__(self, config: DDPGConfig, setup: AlgorithmSetup, device: str = "cpu") -> None:
        super().__init__(setup, device)
        self._config = config
        self._critic_metrics, self._actor_metrics = self.metrics.tensor_split([len(CRITIC_METRICS)])
        self._build_networks()
        self._build_optimisers()
        self.start(config.actor_update_frequency, config.target_update_frequency)

    def _build_networks(self) -> None:
        config, setup = self.config, self.setup
        self.encoder, self.actor = build_deterministic_policy(config, setup, self.dtype)
        inputs = self.encoder.size + setup.spec.state_size
        self.critic = Critic(inputs, setup.action_size, config.hidden_sizes, config.layer_norm, self.dtype)
        initialise(self.critic, torch.Generator().manual_seed(setup.seed + 1))
        for network in (self.encoder, self.actor, self.critic):
            network.to(self.device)
        self.target_encoder = copy.deepcopy(self.encoder).requires_grad_(False)
        self.target_actor = copy.deepcopy(self.actor).requires_grad_(False)
        self.target_critic = copy.deepcopy(self.critic).requires_grad_(False)
        self.hand_out(self.encoder, self.actor)
        self._critic = flatten(self.critic)
        self._target_policy = flatten(self.target_encoder, self.target_actor)
        self._target_critic = flatten(self.target_critic)

    def _build_optimisers(self) -> None:
        config = self.config
        critic = ParameterGroup(list(self.critic.parameters()), config.critic_learning_rate)
        encoder = ParameterGroup(list(self.encoder.parameters()), config.encoder_learning_rate)
        actor = ParameterGroup(list(self.actor.parameters()), config.actor_learning_rate)
        self.critic_optimiser = Adam([critic, encoder], self.diverged)
        self.actor_optimiser = Adam([actor], self.diverged)

    @property
    def config(self) -> DDPGConfig:
        """The settings of section `ddpg`."""
        return self._config

    @property
    def networks(self) -> dict[str, nn.Module]:
        """The networks by name."""
        return {
            "encoder": self.encoder,
            "actor": self.actor,
            "critic": self.critic,
            "target_encoder": self.target_encoder,
            "target_actor": self.target_actor,
            "target_critic": self.target_critic,
        }

    @property
    def optimisers(self) -> dict[str, Adam]:
        """The optimisers by name."""
        return {"critic_optimiser": self.critic_optimiser, "actor_optimiser": self.actor_optimiser}

    def step(self, actor: bool, targets: bool) -> None:
        """Updates from the loaded batch: critic and encoder, and if so told actor and targets."""
        features = self.update_critic()
        if actor:
            self.update_actor(features)
        if targets:
            self.follow(self._target_policy, self.policy, self.config.tau)
            self.follow(self._target_critic, self._critic, self.config.tau)

    @torch.no_grad()
    def target_Q(self) -> Tensor:
        """Returns R + gamma^n * Q'(s', mu'(s')), (B,), by the target networks: section 3 of the paper."""
        b = self.batch
        features = self.target_encoder.infer(b.next_observation)
        action = self.target_actor(features, b.next_policy_state)
        target_V: Tensor = self.target_critic(features, b.next_state, action)
        return self.setup.learning.reward_scale * b.reward + b.bootstrap * target_V

    def update_critic(self) -> Tensor:
        """Steps critic and encoder down equation 4; returns the features of the observations, detached."""
        b = self.batch
        target_Q = self.target_Q()
        features: Tensor = self.encoder(b.observation)
        Q = self.critic(features, b.state, b.action)
        error = Q - target_Q
        critic_loss = (b.weight * error.square()).mean()
        self.descend(critic_loss, self.critic_optimiser)
        with torch.no_grad():
            torch.abs(error, out=self.td_error)
            torch.stack((critic_loss, Q.mean(), target_Q.mean(), b.reward.mean()), out=self._critic_metrics)
        return features.detach()

    def update_actor(self, features: Tensor) -> None:
        """Steps the actor up equation 6, the deterministic policy gradient; the encoder gets no gradient."""
        b = self.batch
        actor_loss = -self.critic(features, b.state, self.actor(features, b.policy_state)).mean()
        self.descend(actor_loss, self.actor_optimiser)
        with torch.no_grad():
            self._actor_metrics.copy_(actor_loss)
