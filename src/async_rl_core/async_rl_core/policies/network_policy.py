"""The part of a policy that is the same for every encoder and actor."""

from abc import ABC, abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from async_rl_core.algorithms.base import AlgorithmSetup
from async_rl_core.algorithms.common.encoder import Encoder
from async_rl_core.algorithms.common.parameters import flatten
from async_rl_core.policies.single_observation import SingleObservation
from async_rl_core.spec.randomness import Stream, episode_seed


class NetworkPolicy(ABC):
    """An encoder and an actor that act on one observation at a time.

    A subclass chooses the action from the actor's output. `threads` sets the number of torch's threads in this process;
    None leaves it. A second thread takes more time than it saves on one observation, and competes with the learner.
    """

    def __init__(self, encoder: Encoder, actor: nn.Module, setup: AlgorithmSetup, threads: int | None) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self.encoder, self.actor = encoder.requires_grad_(False), actor.requires_grad_(False)
        self._flat = flatten(encoder, actor)
        self._parameters: NDArray[np.float32] = self._flat.numpy()
        self._seed = setup.seed
        self.generator = torch.Generator()
        self._observation = SingleObservation(encoder, setup)
        self.begin_episode(0)
        self.prepare()

    @property
    def networks(self) -> dict[str, nn.Module]:
        """Encoder and actor."""
        return {"encoder": self.encoder, "actor": self.actor}

    @property
    def size(self) -> int:
        """Number of parameters: the length of what `load` takes."""
        return self._parameters.size

    @property
    def feature_points(self) -> NDArray[np.float32]:
        """Spatial-softmax coordinates (n, 2) of the last `act`, in [-1, 1]: x to the right, y down."""
        return self._observation.feature_points

    def load(self, parameters: NDArray[np.float32]) -> None:
        """Copies a vector of `Algorithm.policy_parameters`. Raises ValueError if its length or type differs."""
        if parameters.shape != self._parameters.shape or parameters.dtype != np.float32:
            raise ValueError(
                f"policy takes {self.size} float32 parameters, got {parameters.dtype} of shape {parameters.shape}"
            )
        np.copyto(self._parameters, parameters)
        self.prepare()

    def prepare(self) -> None:
        """Recomputes what `act` derives from the parameters, after they were written through `networks`."""
        self._observation.prepare()

    def begin_episode(self, episode: int) -> None:
        """Seeds the noise by the run's seed and the episode's number, so that it need not be saved with a run."""
        seed = episode_seed(self._seed, Stream.POLICY_NOISE, episode)
        self.generator.manual_seed(int(seed.generate_state(1, np.uint64)[0]))

    def act(
        self, images: NDArray[np.uint8], state: NDArray[np.float32], deterministic: bool = False
    ) -> NDArray[np.float32]:
        """Returns an action (a,) in [-1, 1] for centre-cropped images (h, w, C) and the state row (s,).

        The action has exploration noise unless it is `deterministic`.
        """
        with torch.inference_mode():
            features, visible = self._observation.encode(images, state)
            action: NDArray[np.float32] = self.choose(features, visible, deterministic)[0].numpy()
        return action

    @abstractmethod
    def choose(self, features: Tensor, state: Tensor, deterministic: bool) -> Tensor:
        """Returns actions (1, a) for features (1, f) and a visible state (1, p)."""

    @abstractmethod
    def deterministic_network(self) -> nn.Module:
        """Returns a copy of the policy as one module, as in `LearnedPolicy`."""
