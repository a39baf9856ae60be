"""The transfer of mini-batches to a GPU."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_PINNED = 2
"""Buffers on the host: one is filled while the other is still being copied."""


class Upload:
    """Sends a buffer to a device in one piece, while the device computes on the buffer before.

    The bytes go through pinned memory, which the device reads by itself, on a separate stream. All memory is allocated
    with the first buffer and reused. On the CPU, which has no streams and events, this is a copy.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._module = torch.get_device_module(device)
        self._stream = self._module.Stream()
        self._sent = [self._module.Event() for _ in range(_PINNED)]
        self._read = self._module.Event()
        self._pinned: list[Tensor] = []
        self._staging = torch.empty(0, dtype=torch.uint8, device=device)
        self._turn = 0
        self._start = 0

    def send(self, buffer: NDArray[np.uint8]) -> None:
        """Sends a flat buffer; its memory is free when this returns. All buffers have one length."""
        if not self._pinned:
            self._allocate(buffer.nbytes)
        self._turn = (self._turn + 1) % _PINNED
        pinned, sent = self._pinned[self._turn], self._sent[self._turn]
        sent.synchronize()
        np.copyto(pinned.numpy(), buffer)
        with self._module.stream(self._stream):
            self._stream.wait_event(self._read)
            self._staging.copy_(pinned, non_blocking=True)
            sent.record(self._stream)
        self._module.current_stream().wait_event(sent)
        self._start = buffer.ctypes.data

    def view(self, array: NDArray[np.generic]) -> Tensor:
        """Returns the device's view of an array in the buffer sent last; valid until `release`."""
        place = array.ctypes.data - self._start
        dtype = torch.from_numpy(np.empty(0, array.dtype)).dtype
        return self._staging[place : place + array.nbytes].view(dtype).view(array.shape)

    def release(self) -> None:
        """Admits the next buffer as soon as the current stream has done its present work."""
        self._read.record(self._module.current_stream())

    def _allocate(self, nbytes: int) -> None:
        pin = self._device.type == "cuda"
        self._pinned = [torch.empty(nbytes, dtype=torch.uint8, pin_memory=pin) for _ in range(_PINNED)]
        self._staging = torch.empty(nbytes, dtype=torch.uint8, device=self._device)
