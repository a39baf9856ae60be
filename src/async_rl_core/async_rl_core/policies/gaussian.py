"""The policy as the agent runs it: one observation in, one action out."""

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from async_rl_core.agent.randomness import Stream, episode_seed
from async_rl_core.algorithms.base import AlgorithmSetup
from async_rl_core.algorithms.common.encoder import Encoder, Layer, convolve, fuses
from async_rl_core.algorithms.common.flat import flatten
from async_rl_core.algorithms.common.networks import GaussianActor, build_gaussian_policy
from async_rl_core.algorithms.sac.config import SACConfig


class GaussianPolicy:
    """Encoder and actor for one observation at a time, in memory that is laid out once.

    A new policy is that of a learner of the same seed before its first update. `threads` is set for the whole process
    (None leaves it): a second thread costs one observation more than it saves, and competes with the learner.
    """

    def __init__(self, config: SACConfig, setup: AlgorithmSetup, threads: int | None = 1) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        spec = setup.spec
        self.encoder, self.actor = build_gaussian_policy(config, config.log_std_bounds, setup)
        self.encoder.requires_grad_(False)
        self.actor.requires_grad_(False)
        self._flat = flatten(self.encoder, self.actor)
        self._parameters: NDArray[np.float32] = self._flat.numpy()
        self._seed = setup.seed
        self._generator = torch.Generator()
        self.begin_episode(0)
        # As the learner's: the actor is to see the features that it was trained on.
        self._dtype = torch.bfloat16 if setup.learning.precision == "bf16" else torch.float32
        self._bytes = torch.zeros(1, *spec.image_shape, dtype=torch.uint8)
        self._pixels: NDArray[np.uint8] = self._bytes.numpy()[0]
        self._images = torch.zeros(self._bytes.shape, dtype=self._dtype)
        self._fused = fuses(self._images)
        self._state = torch.zeros(1, spec.state_size)
        self._angles: NDArray[np.float32] = self._state.numpy()[0]
        self._features = torch.zeros(1, self.encoder.size)
        self._noise = torch.zeros(1, setup.action_size)
        self._convolutions: list[Layer] = []
        self.prepare()

    @property
    def networks(self) -> dict[str, nn.Module]:
        """Encoder and actor."""
        return {"encoder": self.encoder, "actor": self.actor}

    @property
    def size(self) -> int:
        """Number of parameters: the length of what `load` takes."""
        return self._parameters.size

    def load(self, flat: NDArray[np.float32]) -> None:
        """Copy a vector of `SAC.policy_parameters`. Raises ValueError where its length or type is another."""
        if flat.shape != self._parameters.shape or flat.dtype != np.float32:
            raise ValueError(f"policy takes {self.size} float32 parameters, got {flat.dtype} of shape {flat.shape}")
        np.copyto(self._parameters, flat)
        self.prepare()

    def deterministic_network(self) -> nn.Module:
        """Returns a copy of encoder and actor as one module, whose action is tanh(mu)."""
        return _MeanAction(self.encoder, self.actor)

    @torch.no_grad()
    def prepare(self) -> None:
        """Derive from the parameters what `act` computes with; for who wrote them otherwise than by `load`."""
        self._convolutions = list(self.encoder.layers(self._dtype))

    def begin_episode(self, episode: int) -> None:
        """Sample from now on as in this episode of every run of the seed: the noise need not be saved with a run."""
        seed = episode_seed(self._seed, Stream.POLICY_NOISE, episode)
        self._generator.manual_seed(int(seed.generate_state(1, np.uint64)[0]))

    def act(
        self, images: NDArray[np.uint8], state: NDArray[np.float32], deterministic: bool = False
    ) -> NDArray[np.float32]:
        """Return an action (a,) in [-1, 1] for centre-cropped images (h, w, C) uint8 and state (p,).

        `deterministic` gives tanh(mu), as in evaluation; otherwise the action is sampled.
        """
        np.copyto(self._pixels, images)
        np.copyto(self._angles, state)
        with torch.inference_mode():
            self._features.copy_(self._encode())
            mu, log_std = self.actor(self._features, self._state)
            if not deterministic:
                mu = mu + log_std.exp_() * self._noise.normal_(generator=self._generator)
            action: NDArray[np.float32] = torch.tanh(mu)[0].numpy()
        return action

    def _encode(self) -> Tensor:
        """Return what `Encoder.infer` does, without what is the same for every image."""
        images = self._images.copy_(self._bytes).permute(0, 3, 1, 2)
        coordinates: Tensor = self.encoder.softmax(convolve(images, self._convolutions, self._fused))
        return coordinates

    @property
    def feature_points(self) -> NDArray[np.float32]:
        """Spatial-softmax coordinates (channels, 2) of the last `act`, in [-1, 1]: x to the right, y down."""
        points: NDArray[np.float32] = self._features.numpy().reshape(-1, 2).copy()
        return points


class _MeanAction(nn.Module):
    """Images and states to tanh(mu), as `LearnedPolicy.deterministic_network` describes."""

    def __init__(self, encoder: Encoder, actor: GaussianActor) -> None:
        super().__init__()
        self.encoder, self.actor = copy.deepcopy(encoder), copy.deepcopy(actor)

    def forward(self, images: Tensor, state: Tensor) -> Tensor:
        mu, _ = self.actor(self.encoder(images), state)
        return torch.tanh(mu)
