"""The part of an algorithm that is the same for all that step networks down gradients."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from async_rl_core.algorithms.base import AlgorithmConfig, AlgorithmSetup, DivergenceError, UpdateRecorder
from async_rl_core.algorithms.common.adam import Adam
from async_rl_core.algorithms.common.cuda_graph import CudaRecorder
from async_rl_core.algorithms.common.minibatch import Minibatch
from async_rl_core.algorithms.common.parameters import flatten
from async_rl_core.spec.batch import Batch


class GradientLearner(ABC):
    """Loads mini-batches, runs the steps of an algorithm on them, and hands out its policy.

    The constructor of a subclass builds the networks, calls `hand_out`, builds the optimisers and calls `start`. Its
    `step` is the update. On a GPU each kind of step is recorded as a CUDA graph and replayed, so `step` must not wait
    for the device, and keeps results in tensors that outlive it, such as `metrics`.

    Attributes:
        metric_names: names of the values in `metrics`, which `update` reports.
        batch: the loaded mini-batch.
        metrics: (m,) the values of the last update.
        diverged: () 1 once a loss was not finite, from when on no parameter changes; else 0.
        dtype: the type that convolutions and hidden layers multiply in.
    """

    metric_names: ClassVar[tuple[str, ...]]

    def __init__(self, setup: AlgorithmSetup, device: str) -> None:
        self.setup = setup
        self.device = torch.device(device)
        self.updates = 0
        self.generator = torch.Generator(self.device).manual_seed(setup.seed)
        learning = setup.learning
        self.dtype = torch.bfloat16 if learning.precision == "bf16" else torch.float32
        self.batch = Minibatch(learning.batch_size, setup.spec, setup.action_size, self.dtype, self.device)
        self.metrics = torch.zeros(len(self.metric_names), device=self.device)
        self.diverged = torch.zeros((), device=self.device)
        self.td_error = torch.zeros(learning.batch_size, device=self.device)
        """(B,) absolute TD error of the last update, before its step."""

    def hand_out(self, *policy: nn.Module) -> None:
        """Makes `policy_parameters` return the parameters of these networks; call it before optimisers are built.

        It moves the parameters into one vector, `policy`.
        """
        self.policy = flatten(*policy)
        self._published = self.policy
        if self.device.type == "cuda":
            self._published = torch.empty(self.policy.shape, pin_memory=True)

    def start(self, actor_period: int, target_period: int) -> None:
        """Prepares each kind of step; ends the construction.

        Args:
            actor_period: updates from one that steps the actor to the next.
            target_period: updates from one that moves the target networks to the next.
        """
        self._periods = actor_period, target_period
        turns = map(self._turn, range(math.lcm(*self._periods)))
        self.steps: dict[tuple[bool, ...], Callable[[], None]] = {turn: partial(self.step, *turn) for turn in turns}
        if self.device.type == "cuda":
            self.record(CudaRecorder(self.device, self.generator))

    @property
    @abstractmethod
    def config(self) -> AlgorithmConfig:
        """The algorithm's own settings."""

    @property
    @abstractmethod
    def networks(self) -> Mapping[str, nn.Module]:
        """The networks by name, each once."""

    @property
    @abstractmethod
    def optimisers(self) -> Mapping[str, Adam]:
        """The optimisers by name."""

    @property
    def extra_state(self) -> Mapping[str, Tensor]:
        """Further float32 tensors by name that a checkpoint holds."""
        return {}

    @abstractmethod
    def step(self, actor: bool, targets: bool) -> None:
        """Updates from the loaded batch: the critic, and if so told the actor and the target networks."""

    def load(self, batch: Batch) -> None:
        """Copies a mini-batch to where `step` finds it."""
        self.batch.load(batch)

    def update(self, batch: Batch, report: bool = True) -> dict[str, float]:
        """Does one update; returns its metrics if `report`, else an empty dictionary.

        The batch's memory is free when this returns. Raises `DivergenceError` if a loss is not finite; that loss has
        changed no parameter. A GPU is not waited for: there, the next update that reports or `policy_parameters`
        raises the error, and until then no parameter changes either.
        """
        self.load(batch)
        self.steps[self._turn(self.updates)]()
        if report or self.device.type == "cpu":
            self._check_losses()
        self.updates += 1
        return dict(zip(self.metric_names, self.metrics.tolist(), strict=True)) if report else {}

    def _turn(self, updates: int) -> tuple[bool, ...]:
        """Returns whether it is the turn of the actor, and of the targets, after that many updates."""
        return tuple(updates % period == 0 for period in self._periods)

    def record(self, recorder: UpdateRecorder) -> None:
        """Lets `recorder` replace each kind of update. The state stays as it is."""
        live: list[Tensor] = [parameter for network in self.networks.values() for parameter in network.parameters()]
        live += [t for o in self.optimisers.values() for state in o.state.values() for t in state.values()]
        live += [*self.extra_state.values(), self.diverged, self.metrics, self.td_error]
        before, random_state = [tensor.detach().clone() for tensor in live], self.generator.get_state()
        self.steps = {turn: recorder.record(partial(self.step, *turn)) for turn in self.steps}
        with torch.no_grad():
            for tensor, value in zip(live, before, strict=True):
                tensor.copy_(value)
        self.generator.set_state(random_state)

    def descend(self, loss: Tensor, optimiser: Adam) -> None:
        """Steps an optimiser's parameters down a loss, unless this loss or an earlier one is not finite."""
        torch.maximum(self.diverged, 1.0 - torch.isfinite(loss.detach()).float(), out=self.diverged)
        optimiser.zero_grad()
        # Named inputs: gradients that no optimiser uses, such as the critic's in the actor's loss, are not computed.
        loss.backward(inputs=optimiser.parameters)  # type: ignore[no-untyped-call]
        optimiser.step()

    @torch.no_grad()
    def follow(self, target: Tensor, online: Tensor, tau: float) -> None:
        """Moves a target network's flat parameters towards the online network's by the share `tau`."""
        target.lerp_(online, tau * (1.0 - self.diverged))

    @property
    def policy_size(self) -> int:
        """Number of the policy's parameters."""
        return self.policy.numel()

    def policy_parameters(self) -> NDArray[np.float32]:
        """Returns the policy as one vector (n,), as its `LearnedPolicy.load` takes it.

        The array is read-only, and changed by the next update or call: copy it to keep it. Raises `DivergenceError` if
        a value is not finite, or a loss was not.
        """
        if self._published is not self.policy:
            self._published.copy_(self.policy)
        self._check_losses()
        flat = self._published.numpy()
        # A sum is finite only if every term is, and costs a tenth of looking at each.
        if not math.isfinite(float(flat.sum())):
            raise DivergenceError(self._divergence("the policy is"))
        flat.flags.writeable = False
        return flat

    def _check_losses(self) -> None:
        if self.diverged.item():
            raise DivergenceError(self._divergence("a loss was"))

    def _divergence(self, subject: str) -> str:
        metrics = dict(zip(self.metric_names, self.metrics.tolist(), strict=True))
        reward = self.batch.reward
        losses = ", ".join(f"{name.replace('_', ' ')} {metrics[name]:.3g}" for name in metrics if name.endswith("loss"))
        return (
            f"{subject} not finite by update {self.updates} ({losses}, rewards of the batch from "
            f"{reward.min().item():.3g} to {reward.max().item():.3g}); learning has diverged: lower "
            f"{self.setup.name}.critic_learning_rate or learning.reward_scale, and go on from the last checkpoint"
        )
