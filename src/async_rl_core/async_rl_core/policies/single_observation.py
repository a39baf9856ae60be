"""One observation at a time as the input of a policy's networks."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from async_rl_core.algorithms.base import AlgorithmSetup
from async_rl_core.algorithms.common.encoder import Encoder, Layer, convolve, fuses


class SingleObservation:
    """Encodes one observation, in memory that is laid out once.

    Attributes:
        features: (1, f) of the last `encode`.
        state: (1, p) the state that the policy sees, of the last `encode`.
    """

    def __init__(self, encoder: Encoder, setup: AlgorithmSetup) -> None:
        spec = setup.spec
        self._encoder = encoder
        # As in the learner: the actor sees the features that it was trained on.
        self._dtype = torch.bfloat16 if setup.learning.precision == "bf16" else torch.float32
        self._bytes = torch.zeros(1, *spec.image_shape, dtype=torch.uint8)
        self._pixels: NDArray[np.uint8] = self._bytes.numpy()[0]
        self._images = torch.zeros(self._bytes.shape, dtype=self._dtype)
        self._fused = fuses(self._images)
        self._policy_size = spec.policy_size
        self.state = torch.zeros(1, spec.policy_size)
        self._values: NDArray[np.float32] = self.state.numpy()[0]
        self.features = torch.zeros(1, encoder.size)
        self._convolutions: list[Layer] = []

    @torch.no_grad()
    def prepare(self) -> None:
        """Derives from the encoder's parameters what `encode` computes with."""
        self._convolutions = list(self._encoder.layers(self._dtype))

    def encode(self, images: NDArray[np.uint8], state: NDArray[np.float32]) -> tuple[Tensor, Tensor]:
        """Returns features (1, f) and the visible state (1, p), valid until the next call."""
        np.copyto(self._values, state[: self._policy_size])
        if self._encoder.size:
            np.copyto(self._pixels, images)
            self.features.copy_(self._encode())
        return self.features, self.state

    def _encode(self) -> Tensor:
        """Returns the same as `Encoder.infer`, without the work that is the same for every image."""
        images = self._images.copy_(self._bytes).permute(0, 3, 1, 2)
        coordinates: Tensor = self._encoder.softmax(convolve(images, self._convolutions, self._fused))
        return coordinates

    @property
    def feature_points(self) -> NDArray[np.float32]:
        """Spatial-softmax coordinates (n, 2) of the last `encode`, in [-1, 1]: x to the right, y down."""
        points: NDArray[np.float32] = self.features.numpy().reshape(-1, 2).copy()
        return points
