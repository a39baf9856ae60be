"""An update as one launch: recorded as a CUDA graph, then replayed."""

import warnings
from collections.abc import Callable

import torch

WARM_UP = 3
"""Runs before a recording: in the first, libraries choose their kernels and allocate what these need."""

Body = Callable[[], None]


class CudaRecorder:
    """Records what a function launches on a GPU, to launch all of it again at once.

    A recording fixes addresses, shapes and order. So the function has to read and write tensors that outlive it,
    never wait for the device (no `item`, no `cpu`), draw random numbers from `generator` alone, and take one path
    (torch's notes on CUDA semantics, "CUDA Graphs").
    """

    def __init__(self, device: torch.device, generator: torch.Generator) -> None:
        self._device = device
        self._generator = generator

    def record(self, body: Body) -> Body:
        """Runs `body` a few times, records it, and returns its replay. The caller undoes what these runs changed."""
        current = torch.cuda.current_stream(self._device)
        stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        # Not on the default stream, which cannot be recorded, and which autograd would remember.
        stream.wait_stream(current)
        with torch.cuda.stream(stream), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*capturable=True")  # not yet, it means
            for _ in range(WARM_UP):
                body()
        current.wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self._generator)
        with torch.cuda.graph(graph, stream=stream):
            body()
        return graph.replay
