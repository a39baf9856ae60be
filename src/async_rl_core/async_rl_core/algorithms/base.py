"""The contract between an algorithm and the rest of the suite. This module imports without torch."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.algorithm import AlgorithmSection
from async_rl_core.config.schema import Config, LearningConfig
from async_rl_core.errors import AsyncRLError
from async_rl_core.policies.base import LearnedPolicy
from async_rl_core.spec.batch import Batch
from async_rl_core.spec.observation import ObservationSpec

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from async_rl_core.algorithms.common.adam import Adam


class DivergenceError(AsyncRLError):
    """A loss or a parameter that is not finite any more."""


class UpdateRecorder(Protocol):
    """Turns a function into one that does the same at less cost."""

    def record(self, body: Callable[[], None]) -> Callable[[], None]:
        """Runs `body` a few times and returns its replacement. The caller undoes what these runs changed."""


@dataclass(frozen=True)
class AlgorithmSetup:
    """Everything but its own settings that an algorithm and its policy are built from."""

    name: str
    """The algorithm's name, which is that of its section."""
    learning: LearningConfig
    spec: ObservationSpec
    action_size: int
    seed: int

    @classmethod
    def from_config(cls, config: Config) -> "AlgorithmSetup":
        """Returns the setup of a run."""
        actions = len(config.robot.actuated_joints)
        return cls(config.algorithm, config.learning, ObservationSpec.from_config(config), actions, config.seed)


class Algorithm(Protocol):
    """A learner: networks, optimisers, and one update of them from a mini-batch.

    Two algorithms of one seed that get the same batches end with the same bits on one CPU.
    """

    setup: AlgorithmSetup
    device: "torch.device"
    generator: "torch.Generator"
    """The source of every random number that an update draws."""
    updates: int
    """Updates so far; set when a checkpoint is restored."""
    td_error: "Tensor"
    """(B,) absolute TD errors of the last update, from which prioritised replay takes priorities."""

    @property
    def config(self) -> "AlgorithmConfig":
        """The algorithm's own settings."""

    @property
    def networks(self) -> "Mapping[str, nn.Module]":
        """The networks by name, each once. A checkpoint stores their parameters under these names."""

    @property
    def optimisers(self) -> "Mapping[str, Adam]":
        """The optimisers by name. A checkpoint stores their moments."""

    @property
    def extra_state(self) -> "Mapping[str, Tensor]":
        """Further float32 tensors by name that a checkpoint stores and restores in place."""

    @property
    def policy_size(self) -> int:
        """Number of the policy's parameters."""

    def policy_parameters(self) -> NDArray[np.float32]:
        """Returns the policy as one vector (n,), as its `LearnedPolicy.load` takes it.

        The array is read-only and valid until the next update or call. Raises `DivergenceError` if a value is not
        finite.
        """

    def update(self, batch: Batch, report: bool = True) -> dict[str, float]:
        """Does one update; returns its metrics if `report`, else an empty dictionary.

        The batch's memory is free when this returns. Raises `DivergenceError` if a loss is not finite.
        """

    def record(self, recorder: UpdateRecorder) -> None:
        """Lets `recorder` replace each kind of update. The state stays as it is."""


class AlgorithmConfig(AlgorithmSection):
    """An algorithm as its entry point names it: its settings, and how it and its policy are made from them.

    The methods import torch; the module of a subclass must not.
    """

    @abstractmethod
    def make_algorithm(self, setup: AlgorithmSetup, device: str) -> Algorithm:
        """Returns a new learner on torch's device `device`."""

    @abstractmethod
    def make_policy(self, setup: AlgorithmSetup, threads: int | None = 1) -> LearnedPolicy:
        """Returns a policy with the parameters of a new learner of the same seed.

        `threads` sets the number of torch's threads in this process; None leaves it.
        """
