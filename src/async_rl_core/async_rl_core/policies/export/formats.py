"""The kinds of file that a policy is exported as."""

import importlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from async_rl_core.errors import AsyncRLError

INPUTS = ("images", "state")
OUTPUTS = ("action", "joint_velocity")
ONNX_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
"""Python packages that only an export to ONNX needs."""

Example = tuple[Tensor, Tensor]
Images = NDArray[np.uint8]
Floats = NDArray[np.float32]
Run = Callable[[Images, Floats], tuple[Floats, Floats]]
"""Images and state to actions and joint velocities, a batch of each."""


class ExportError(AsyncRLError):
    """A policy that cannot be exported, or whose export does not do what the policy does."""


@dataclass(frozen=True)
class Format:
    """Encodes a network as the content of a file, and runs such a file."""

    name: str
    suffix: str
    encode: Callable[[nn.Module, Example], bytes]
    """The example may have any batch size but one, which ONNX's tracer would take for the only one."""
    load: Callable[[Path], Run]


def _encode_torchscript(network: nn.Module, example: Example) -> bytes:
    with _quiet():
        traced = torch.jit.trace(network, example, check_trace=False)  # type: ignore[no-untyped-call]
        content = io.BytesIO()
        torch.jit.save(traced, content)
    return content.getvalue()


def _load_torchscript(path: Path) -> Run:
    with _quiet():
        network = torch.jit.load(path)  # type: ignore[no-untyped-call]

    def run(images: Images, state: Floats) -> tuple[Floats, Floats]:
        action, velocity = network(torch.from_numpy(images), torch.from_numpy(state))
        return action.numpy(), velocity.numpy()

    return run


def _encode_onnx(network: nn.Module, example: Example) -> bytes:
    missing = [name for name in ONNX_PACKAGES if find_spec(name) is None]
    if missing:
        raise ExportError(
            f"format:=onnx needs the Python packages {', '.join(missing)}; pip install {' '.join(missing)}, or take "
            "format:=torchscript"
        )
    batch = {0: torch.export.Dim("batch")}
    with _quiet():
        program = torch.onnx.export(
            network,
            example,
            dynamo=True,
            input_names=INPUTS,
            output_names=OUTPUTS,
            dynamic_shapes=(batch, batch),
            verbose=False,
        )
    assert program is not None
    content: bytes = program.model_proto.SerializeToString()
    return content


def _load_onnx(path: Path) -> Run:
    runtime = importlib.import_module("onnxruntime")
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def run(images: Images, state: Floats) -> tuple[Floats, Floats]:
        action, velocity = session.run(list(OUTPUTS), dict(zip(INPUTS, (images, state), strict=True)))
        return action, velocity

    return run


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppresses torch's warnings that TorchScript is deprecated and that optional packages are missing."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


FORMATS = {
    format_.name: format_
    for format_ in (
        Format("torchscript", ".pt", _encode_torchscript, _load_torchscript),
        Format("onnx", ".onnx", _encode_onnx, _load_onnx),
    )
}
"""The formats by name, the default first."""
