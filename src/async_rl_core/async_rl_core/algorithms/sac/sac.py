"""Soft actor-critic from pixels (Haarnoja et al., 2018b; SAC-AE, Yarats et al., 2019; Yuan, 2022, section 4.1)."""

import copy
import math
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from async_rl_core.algorithms.base import AlgorithmSetup, DivergenceError, UpdateRecorder
from async_rl_core.algorithms.common.adam import Adam, ParameterGroup
from async_rl_core.algorithms.common.cuda_graph import CudaRecorder
from async_rl_core.algorithms.common.flat import flatten
from async_rl_core.algorithms.common.initialisation import initialise
from async_rl_core.algorithms.common.minibatch import Minibatch
from async_rl_core.algorithms.common.networks import TwinCritic, build_gaussian_policy
from async_rl_core.algorithms.sac.config import SACConfig
from async_rl_core.spec.batch import Batch

CRITIC_METRICS = ("critic_loss", "Q", "target_Q", "batch_reward")
ACTOR_METRICS = ("actor_loss", "entropy", "alpha")
METRICS = (*CRITIC_METRICS, *ACTOR_METRICS)
"""What an update reports; those of the actor are of its last update."""


class SAC:
    """Networks, targets, temperature and optimisers; `update` is one step of all of them.

    The encoder is shared by actor and critic and trained by the critic's loss only. On the CPU two learners of one
    seed that get the same batches end with the same bits (on one machine, with one number of threads). On a GPU each
    kind of update is recorded as a CUDA graph and replayed.
    """

    def __init__(self, config: SACConfig, setup: AlgorithmSetup, device: str = "cpu") -> None:
        self.config, self.setup = config, setup
        learning, action_size = setup.learning, setup.action_size
        self.device = torch.device(device)
        self.updates = 0
        self.target_entropy = float(-action_size) if config.target_entropy is None else config.target_entropy
        self.generator = torch.Generator(self.device).manual_seed(setup.seed)
        dtype = torch.bfloat16 if learning.precision == "bf16" else torch.float32
        self._build_networks(dtype)
        self._batch = Minibatch(learning.batch_size, setup.spec, action_size, dtype, self.device)
        self._noise = torch.zeros(learning.batch_size, action_size, device=self.device)
        self._diverged = torch.zeros((), device=self.device)
        self._metrics = torch.zeros(len(METRICS), device=self.device)
        self._critic_metrics, self._actor_metrics = self._metrics.tensor_split([len(CRITIC_METRICS)])
        self.td_error = torch.zeros(learning.batch_size, device=self.device)
        """(B,) mean absolute TD error of the twin critics in the last update, before its step."""
        self._build_optimisers()
        cycle = math.lcm(config.actor_update_frequency, config.target_update_frequency)
        self._steps: dict[tuple[bool, bool], Callable[[], None]] = {
            turn: partial(self._step, *turn) for turn in map(self._turn, range(cycle))
        }
        if self.device.type == "cuda":
            self.record(CudaRecorder(self.device, self.generator))

    def _build_networks(self, dtype: torch.dtype) -> None:
        config, setup = self.config, self.setup
        self.encoder, self.actor = build_gaussian_policy(config, config.log_std_bounds, setup, dtype)
        inputs = self.encoder.size + setup.spec.state_size
        self.critic = TwinCritic(inputs, setup.action_size, config.hidden_sizes, config.layer_norm, dtype)
        initialise(self.critic, torch.Generator().manual_seed(setup.seed + 1))
        for network in (self.encoder, self.actor, self.critic):
            network.to(self.device)
        self.target_critic = copy.deepcopy(self.critic).requires_grad_(False)
        # A target encoder that follows at once is the encoder itself, and saves a pass over the images.
        self.shares_target_encoder = config.encoder_tau == 1.0
        self.target_encoder = (
            self.encoder if self.shares_target_encoder else copy.deepcopy(self.encoder).requires_grad_(False)
        )
        self._policy = flatten(self.encoder, self.actor)
        self._critic = flatten(self.critic)
        self._target_critic = flatten(self.target_critic)
        if not self.shares_target_encoder:
            self._target_encoder = flatten(self.target_encoder)
        self._published = self._policy
        if self.device.type == "cuda":
            self._published = torch.empty(self._policy.shape, pin_memory=True)
        self.log_alpha = torch.tensor(math.log(config.initial_temperature), device=self.device, requires_grad=True)

    def _build_optimisers(self) -> None:
        config = self.config
        critic = ParameterGroup(list(self.critic.parameters()), config.critic_learning_rate)
        encoder = ParameterGroup(list(self.encoder.parameters()), config.encoder_learning_rate)
        actor = ParameterGroup(list(self.actor.parameters()), config.actor_learning_rate)
        temperature = ParameterGroup([self.log_alpha], config.temperature_learning_rate)
        # None of them steps once a loss was not finite, without the host's having to look.
        self.critic_optimiser = Adam([critic, encoder], self._diverged)
        self.actor_optimiser = Adam([actor], self._diverged)
        self.temperature_optimiser = Adam([temperature], self._diverged, (config.temperature_beta, 0.999))

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

    def update(self, batch: Batch, report: bool = True) -> dict[str, float]:
        """Do one update; return its metrics if `report`, else nothing.

        The batch's memory is no longer needed when this returns. Raises `DivergenceError` when a loss is not finite,
        with no parameter changed by it. On a GPU, which is not waited for, it is raised by the next update that
        reports, or by `policy_parameters`; until then no parameter changes either.
        """
        self.load(batch)
        self._steps[self._turn(self.updates)]()
        if report or self.device.type == "cpu":
            self._check_losses()
        self.updates += 1
        return dict(zip(METRICS, self._metrics.tolist(), strict=True)) if report else {}

    def _turn(self, updates: int) -> tuple[bool, bool]:
        """Return whether it is the actor's turn, and the targets', after so many updates."""
        config = self.config
        return updates % config.actor_update_frequency == 0, updates % config.target_update_frequency == 0

    def record(self, recorder: UpdateRecorder) -> None:
        """Have each kind of update recorded, and do it by its recording from now on. The state stays what it is."""
        moments = [t for o in self.optimisers.values() for state in o.state.values() for t in state.values()]
        live = [self._policy, self._critic, self._target_critic, self.log_alpha, *moments]
        live += [] if self.shares_target_encoder else [self._target_encoder]
        live += [self._diverged, self._metrics, self.td_error]
        before, random_state = [tensor.detach().clone() for tensor in live], self.generator.get_state()
        self._steps = {turn: recorder.record(partial(self._step, *turn)) for turn in self._steps}
        with torch.no_grad():
            for tensor, value in zip(live, before, strict=True):
                tensor.copy_(value)
        self.generator.set_state(random_state)

    def _step(self, actor: bool, targets: bool) -> None:
        """Update from the batch that is loaded. Nothing in here may wait for the device: it is recorded."""
        features = self._update_critic()
        if actor:
            self._update_actor_and_temperature(features)
        if targets:
            self._update_targets()

    def load(self, batch: Batch) -> None:
        """Copy a batch to where `update` computes."""
        self._batch.load(batch)

    @torch.no_grad()
    def target_Q(self) -> Tensor:
        """Return R + gamma^n * (min target Q(s', a') - alpha log pi(a'|s')), (B,): equations 2.4 and 2.5.

        The next action is the current policy's, on the online encoder's features.
        """
        b = self._batch
        features = self.encoder.infer(b.next_observation)
        pi, log_pi = self.actor.sample(features, b.next_state, self._sample_noise())
        target_features = features if self.shares_target_encoder else self.target_encoder.infer(b.next_observation)
        Q1, Q2 = self.target_critic(target_features, b.next_state, pi)
        target_V = torch.minimum(Q1, Q2) - self.alpha * log_pi
        target_Q: Tensor = self.setup.learning.reward_scale * b.reward + b.bootstrap * target_V
        return target_Q

    def _update_critic(self) -> Tensor:
        """Step critic and encoder down equation 2.4; return the features of the observations, detached."""
        b = self._batch
        target_Q = self.target_Q()
        features: Tensor = self.encoder(b.observation)
        Q1, Q2 = self.critic(features, b.state, b.action)
        error_1, error_2 = Q1 - target_Q, Q2 - target_Q
        critic_loss = 0.5 * (b.weight * (error_1.square() + error_2.square())).mean()
        self._descend(critic_loss, self.critic_optimiser)
        with torch.no_grad():
            torch.add(0.5 * error_1.abs(), 0.5 * error_2.abs(), out=self.td_error)
            torch.stack((critic_loss, Q1.mean(), target_Q.mean(), b.reward.mean()), out=self._critic_metrics)
        return features.detach()

    def _update_actor_and_temperature(self, features: Tensor) -> None:
        """Step the actor up equation 2.6 and the temperature down equation 2.7; the encoder gets no gradient."""
        b = self._batch
        if not self.config.reuse_features:
            features = self.encoder.infer(b.observation)
        pi, log_pi = self.actor.sample(features, b.state, self._sample_noise())
        Q1, Q2 = self.critic(features, b.state, pi)
        alpha = self.alpha.detach()
        actor_loss = (alpha * log_pi - torch.minimum(Q1, Q2)).mean()
        self._descend(actor_loss, self.actor_optimiser)
        entropy = -log_pi.detach().mean()
        self._descend(self.alpha * (entropy - self.target_entropy), self.temperature_optimiser)
        with torch.no_grad():
            torch.stack((actor_loss, entropy, alpha), out=self._actor_metrics)

    def _descend(self, loss: Tensor, optimiser: Adam) -> None:
        """Step an optimiser's parameters down a loss, unless this or an earlier one is not finite."""
        torch.maximum(self._diverged, 1.0 - torch.isfinite(loss.detach()).float(), out=self._diverged)
        optimiser.zero_grad()
        # Named inputs: gradients that no one steps down, as the critic's in the actor's loss, are not computed.
        loss.backward(inputs=optimiser.parameters)  # type: ignore[no-untyped-call]
        optimiser.step()

    @torch.no_grad()
    def _update_targets(self) -> None:
        healthy = 1.0 - self._diverged
        self._target_critic.lerp_(self._critic, self.config.critic_tau * healthy)
        if not self.shares_target_encoder:
            online = self._policy[: self._target_encoder.numel()]
            self._target_encoder.lerp_(online, self.config.encoder_tau * healthy)

    @property
    def policy_size(self) -> int:
        """Number of the policy's parameters."""
        return self._policy.numel()

    def policy_parameters(self) -> NDArray[np.float32]:
        """Return encoder and actor as one vector (n,), as `Policy.load` takes it.

        It is read-only, and changed by the next update or the next call: copy what is to be kept. Raises
        `DivergenceError` where a value is not finite, or a loss was not.
        """
        if self._published is not self._policy:
            self._published.copy_(self._policy)
        self._check_losses()
        flat = self._published.numpy()
        # A sum is finite only if every term is, and costs a tenth of looking at each.
        if not math.isfinite(float(flat.sum())):
            raise DivergenceError(self._divergence("the policy is"))
        flat.flags.writeable = False
        return flat

    def _sample_noise(self) -> Tensor:
        return self._noise.normal_(generator=self.generator)

    def _check_losses(self) -> None:
        if self._diverged.item():
            raise DivergenceError(self._divergence("a loss was"))

    def _divergence(self, what: str) -> str:
        losses = dict(zip(METRICS, self._metrics.tolist(), strict=True))
        reward = self._batch.reward
        return (
            f"{what} not finite by update {self.updates} (critic loss {losses['critic_loss']:.3g}, actor loss "
            f"{losses['actor_loss']:.3g}, rewards of the batch from {reward.min().item():.3g} to "
            f"{reward.max().item():.3g}); learning has diverged: lower {self.setup.name}.critic_learning_rate or "
            "learning.reward_scale, and go on from the last checkpoint"
        )
