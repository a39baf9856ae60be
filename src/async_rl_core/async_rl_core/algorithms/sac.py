"""Soft actor-critic from pixels (Haarnoja et al., 2018b; SAC-AE, Yarats et al., 2019; Yuan, 2022, section 4.1)."""

import copy
import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from async_rl_core.algorithms.flat import flatten
from async_rl_core.algorithms.initialisation import initialise
from async_rl_core.algorithms.minibatch import Minibatch
from async_rl_core.algorithms.networks import TwinCritic, build_policy
from async_rl_core.algorithms.spec import ObservationSpec
from async_rl_core.config.schema import SACConfig
from async_rl_core.errors import AsyncRLError
from async_rl_core.replay.batch import Batch


class DivergenceError(AsyncRLError):
    """A loss or a parameter is not finite any more."""


class SAC:
    """Networks, targets, temperature and optimisers; `update` is one step of all of them.

    The encoder is shared by actor and critic and trained by the critic's loss only. Two learners of one seed that get
    the same batches end with the same bits (on one machine, with one number of threads).
    """

    def __init__(
        self, config: SACConfig, spec: ObservationSpec, action_size: int, seed: int, device: str = "cpu"
    ) -> None:
        self.config = config
        self.spec = spec
        self.action_size = action_size
        self.device = torch.device(device)
        self.updates = 0
        self.target_entropy = float(-action_size) if config.target_entropy is None else config.target_entropy
        self.generator = torch.Generator(self.device).manual_seed(seed)
        self._build_networks(seed)
        self._build_optimisers()
        dtype = torch.bfloat16 if config.precision == "bf16" else torch.float32
        self._batch = Minibatch(config.batch_size, spec, action_size, dtype, self.device)
        self._noise = torch.zeros(config.batch_size, action_size, device=self.device)
        self._actor_metrics: dict[str, Tensor] = {}

    def _build_networks(self, seed: int) -> None:
        self.encoder, self.actor = build_policy(self.config, self.spec, self.action_size, seed)
        inputs = self.encoder.size + self.spec.proprioception
        self.critic = TwinCritic(inputs, self.action_size, self.config.hidden_sizes, self.config.layer_norm)
        initialise(self.critic, torch.Generator().manual_seed(seed + 1))
        for network in (self.encoder, self.actor, self.critic):
            network.to(self.device)
        self.target_critic = copy.deepcopy(self.critic).requires_grad_(False)
        # A target encoder that follows at once is the encoder itself, and saves a pass over the images.
        self.shares_target_encoder = self.config.encoder_tau == 1.0
        self.target_encoder = (
            self.encoder if self.shares_target_encoder else copy.deepcopy(self.encoder).requires_grad_(False)
        )
        self._policy = flatten(self.encoder, self.actor)
        self._critic = flatten(self.critic)
        self._target_critic = flatten(self.target_critic)
        if not self.shares_target_encoder:
            self._target_encoder = flatten(self.target_encoder)
        self.log_alpha = torch.tensor(math.log(self.config.initial_temperature), device=self.device, requires_grad=True)

    def _build_optimisers(self) -> None:
        config = self.config
        self.critic_optimiser = torch.optim.Adam(
            [
                {"params": list(self.critic.parameters()), "lr": config.critic_learning_rate},
                {"params": list(self.encoder.parameters()), "lr": config.encoder_learning_rate},
            ],
            fused=True,
        )
        self.actor_optimiser = torch.optim.Adam(self.actor.parameters(), lr=config.actor_learning_rate, fused=True)
        self.temperature_optimiser = torch.optim.Adam(
            [self.log_alpha], lr=config.temperature_learning_rate, betas=(config.temperature_beta, 0.999), fused=True
        )
        for optimiser in self.optimisers.values():
            _create_state(optimiser)

    @property
    def optimisers(self) -> dict[str, torch.optim.Adam]:
        """The optimisers by name. Their moments exist from the start, so that a checkpoint finds them."""
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
    def alpha(self) -> Tensor:
        """The temperature, a scalar."""
        return self.log_alpha.exp()

    def update(self, batch: Batch, report: bool = True) -> dict[str, float]:
        """Do one update; return its metrics if `report`, else nothing.

        The batch's memory is no longer needed when this returns. Raises `DivergenceError`, with no parameter changed
        by it, when a loss is not finite.
        """
        config = self.config
        self.load(batch)
        features, metrics = self._update_critic()
        if self.updates % config.actor_update_frequency == 0:
            self._actor_metrics = self._update_actor_and_temperature(features)
        if self.updates % config.target_update_frequency == 0:
            self._update_targets()
        self.updates += 1
        return {name: value.item() for name, value in (metrics | self._actor_metrics).items()} if report else {}

    def load(self, batch: Batch) -> None:
        """Copy a batch to where `update` computes."""
        self._batch.load(batch)

    @torch.no_grad()
    def target_Q(self) -> Tensor:
        """Return R + gamma * (min target Q(s', a') - alpha log pi(a'|s')), (B,): equations 2.4 and 2.5.

        The next action is the current policy's, on the online encoder's features.
        """
        b = self._batch
        features = self.encoder(b.next_observation)
        pi, log_pi = self.actor.sample(features, b.next_proprioception, self._sample_noise())
        target_features = features if self.shares_target_encoder else self.target_encoder(b.next_observation)
        Q1, Q2 = self.target_critic(target_features, b.next_proprioception, pi)
        target_V = torch.minimum(Q1, Q2) - self.alpha * log_pi
        return self.config.reward_scale * b.reward + self.config.discount * b.not_terminal * target_V

    def _update_critic(self) -> tuple[Tensor, dict[str, Tensor]]:
        """Step critic and encoder down equation 2.4; return the features, detached, and metrics."""
        b = self._batch
        target_Q = self.target_Q()
        features = self.encoder(b.observation)
        Q1, Q2 = self.critic(features, b.proprioception, b.action)
        critic_loss = 0.5 * ((Q1 - target_Q).square().mean() + (Q2 - target_Q).square().mean())
        self._check(critic_loss, "critic loss")
        self.critic_optimiser.zero_grad()
        critic_loss.backward()
        self.critic_optimiser.step()
        metrics = {
            "critic_loss": critic_loss.detach(),
            "Q": Q1.detach().mean(),
            "target_Q": target_Q.mean(),
            "batch_reward": b.reward.mean(),
        }
        return features.detach(), metrics

    def _update_actor_and_temperature(self, features: Tensor) -> dict[str, Tensor]:
        """Step the actor up equation 2.6 and the temperature down equation 2.7; the encoder gets no gradient."""
        b = self._batch
        if not self.config.reuse_features:
            with torch.no_grad():
                features = self.encoder(b.observation)
        pi, log_pi = self.actor.sample(features, b.proprioception, self._sample_noise())
        Q1, Q2 = self.critic(features, b.proprioception, pi)
        alpha = self.alpha.detach()
        actor_loss = (alpha * log_pi - torch.minimum(Q1, Q2)).mean()
        self._check(actor_loss, "actor loss")
        self.actor_optimiser.zero_grad()
        # Named inputs: the gradients of the critic's own weights are not even computed.
        actor_loss.backward(inputs=list(self.actor.parameters()))  # type: ignore[no-untyped-call]
        self.actor_optimiser.step()
        entropy = -log_pi.detach().mean()
        self._update_temperature(entropy)
        return {"actor_loss": actor_loss.detach(), "entropy": entropy, "alpha": alpha}

    def _update_temperature(self, entropy: Tensor) -> None:
        temperature_loss = self.alpha * (entropy - self.target_entropy)
        self.temperature_optimiser.zero_grad()
        temperature_loss.backward()  # type: ignore[no-untyped-call]
        self.temperature_optimiser.step()

    @torch.no_grad()
    def _update_targets(self) -> None:
        self._target_critic.lerp_(self._critic, self.config.critic_tau)
        if not self.shares_target_encoder:
            online = self._policy[: self._target_encoder.numel()]
            self._target_encoder.lerp_(online, self.config.encoder_tau)

    @property
    def policy_size(self) -> int:
        """Number of the policy's parameters."""
        return self._policy.numel()

    def policy_parameters(self) -> NDArray[np.float32]:
        """Return encoder and actor as one vector (n,), as `Policy.load` takes it.

        On the CPU it is a read-only view of the parameters themselves, which the next update changes: copy what is to
        be kept. Raises `DivergenceError` where a value is not finite.
        """
        flat = self._policy.cpu().numpy()
        # A sum is finite only if every term is, and costs a tenth of looking at each.
        if not math.isfinite(float(flat.sum())):
            raise DivergenceError(self._divergence("policy", math.nan))
        flat.flags.writeable = False
        return flat

    def _sample_noise(self) -> Tensor:
        return self._noise.normal_(generator=self.generator)

    def _check(self, loss: Tensor, name: str) -> None:
        value = loss.item()
        if not math.isfinite(value):
            raise DivergenceError(self._divergence(name, value))

    def _divergence(self, what: str, value: float) -> str:
        reward = self._batch.reward
        return (
            f"{what} is {value} at update {self.updates} (rewards of the batch from {reward.min().item():.3g} to "
            f"{reward.max().item():.3g}); learning has diverged: lower sac.critic_learning_rate or "
            "sac.reward_scale, and go on from the last checkpoint"
        )


def _create_state(optimiser: torch.optim.Adam) -> None:
    """Create Adam's moments, which torch would on the first step."""
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            optimiser.state[parameter] = {
                "step": torch.zeros((), dtype=torch.float32, device=parameter.device),
                "exp_avg": torch.zeros_like(parameter, memory_format=torch.preserve_format),
                "exp_avg_sq": torch.zeros_like(parameter, memory_format=torch.preserve_format),
            }
