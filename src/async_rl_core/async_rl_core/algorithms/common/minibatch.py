"""A mini-batch as tensors on the learner's device."""

import warnings
from collections.abc import Callable
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from async_rl_core.algorithms.common.upload import Upload
from async_rl_core.spec.batch import Batch
from async_rl_core.spec.observation import ObservationSpec


class Minibatch:
    """Tensors that `load` fills in place, so that no update allocates them and a captured graph finds them again.

    Images are (B, C, h, w) in channels_last order with values 0 to 255, in the type that the encoder computes in. They
    cross to the device as bytes and are cast there. Replay has cropped them already, so that the bus carries less.
    """

    def __init__(
        self, batch_size: int, spec: ObservationSpec, action_size: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        def floats(*shape: int) -> Tensor:
            return torch.zeros(shape, dtype=torch.float32, device=device)

        def images() -> Tensor:
            height, width, channels = spec.image_shape
            shape = (batch_size, channels, height, width)
            return torch.zeros(shape, dtype=dtype, device=device).to(memory_format=torch.channels_last)

        self.observation = images()
        self.next_observation = images()
        self.state = floats(batch_size, spec.state_size)
        self.next_state = floats(batch_size, spec.state_size)
        self.policy_state, self.next_policy_state = (s[:, : spec.policy_size] for s in (self.state, self.next_state))
        """The parts of the states that the acting policy sees too."""
        self.action = floats(batch_size, action_size)
        self.reward = floats(batch_size)
        self.bootstrap = floats(batch_size)
        self.weight = floats(batch_size)
        self._image_shape = (batch_size, *spec.image_shape)
        self._upload = Upload(device) if device.type != "cpu" else None

    def load(self, batch: Batch) -> None:
        """Copies and casts a batch; its memory is free when this returns. Raises ValueError on other shapes."""
        if batch.observation_images.shape != self._image_shape:
            raise ValueError(
                f"batch has images {batch.observation_images.shape}, the learner takes {self._image_shape}"
            )
        if self._upload is None:
            with warnings.catch_warnings():  # shared memory may be read-only, and is only read here
                warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
                self._fill(batch, torch.from_numpy)
        else:
            self._upload.send(batch.buffer)
            self._fill(batch, self._upload.view)
            self._upload.release()

    def _fill(self, batch: Batch, source: Callable[[NDArray[Any]], Tensor]) -> None:
        self.observation.copy_(source(batch.observation_images).permute(0, 3, 1, 2))
        self.next_observation.copy_(source(batch.next_images).permute(0, 3, 1, 2))
        for tensor, array in (
            (self.state, batch.observation_state),
            (self.next_state, batch.next_state),
            (self.action, batch.action),
            (self.reward, batch.reward),
            (self.bootstrap, batch.bootstrap),
            (self.weight, batch.weight),
        ):
            tensor.copy_(source(array))
