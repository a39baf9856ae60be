"""The learner's whole state in one file: safetensors, no code in data."""

import dataclasses
import json
import os
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from async_rl_core.algorithms.sac import SAC
from async_rl_core.errors import AsyncRLError

FORMAT = "async_rl checkpoint"
VERSION = 1
_RANDOM_STATE = "random_state"


class CheckpointError(AsyncRLError):
    """A checkpoint that cannot be written, or cannot be used."""


def save_checkpoint(path: Path, sac: SAC, env_steps: int) -> None:
    """Write networks, targets, temperature, optimisers, counters and random state of a learner.

    The file at `path` is the old one or the new one, whole, whenever the process or the machine stops. Raises
    `CheckpointError` where it cannot be written.
    """
    tensors = {name: t.detach().to("cpu", copy=True).contiguous() for name, t in _state(sac).items()}
    tensors[_RANDOM_STATE] = sac.generator.get_state().cpu()
    header = {
        "format": FORMAT,
        "version": VERSION,
        "updates": sac.updates,
        "env_steps": env_steps,
        "spec": dataclasses.asdict(sac.spec),
        "action_size": sac.action_size,
        "sac": sac.config.model_dump(mode="json"),
    }
    text = json.dumps(header, sort_keys=True)
    metadata = {"async_rl": text, "crc32": str(_checksum(text, tensors))}
    try:
        _write_atomically(path, to_bytes(tensors, metadata))
    except OSError as error:
        raise CheckpointError(
            f"checkpoint {path} cannot be written: {error.strerror}; free space, or set run_dir"
        ) from None


def load_checkpoint(path: Path, sac: SAC) -> int:
    """Bring a learner to the state in a file; return the environment steps that it had seen.

    Raises `CheckpointError`, with the learner unchanged, where the file is missing, damaged, of another version, or of
    a learner of other shapes.
    """
    header, tensors = _read(path)
    state = _state(sac)
    stored = {name: tensor for name, tensor in tensors.items() if name != _RANDOM_STATE}
    _check_shapes(path, {n: t.shape for n, t in stored.items()}, {n: t.shape for n, t in state.items()})
    with torch.no_grad():
        for name, tensor in state.items():
            tensor.copy_(stored[name])
    sac.generator.set_state(tensors[_RANDOM_STATE])
    sac.updates = header["updates"]
    return header["env_steps"]


def newest_checkpoint(folder: Path) -> Path | None:
    """Return the checkpoint of the most updates in a run's checkpoints folder."""
    return max(folder.glob("updates_*.safetensors"), default=None)


class CheckpointFolder:
    """Keeps the newest `keep` checkpoints of a run, each named by its updates."""

    def __init__(self, folder: Path, keep: int = 2) -> None:
        self.folder = folder
        self.keep = keep
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CheckpointError(f"folder {folder} cannot be created: {error.strerror}; set run_dir") from None

    def save(self, sac: SAC, env_steps: int) -> Path:
        """Write a checkpoint, then delete those beyond `keep`; return its path. Raises `CheckpointError`."""
        path = self.folder / f"updates_{sac.updates:012d}.safetensors"
        save_checkpoint(path, sac, env_steps)
        for old in sorted(self.folder.glob("updates_*.safetensors"))[: -self.keep]:
            old.unlink(missing_ok=True)
        return path


def _state(sac: SAC) -> dict[str, Tensor]:
    """The live tensors of a learner by name; writing them changes it."""
    state: dict[str, Tensor] = {"log_alpha": sac.log_alpha}
    for network_name, network in sac.networks.items():
        state |= {f"{network_name}.{name}": parameter for name, parameter in network.named_parameters()}
    for optimiser_name, optimiser in sac.optimisers.items():
        parameters = [p for group in optimiser.param_groups for p in group["params"]]
        for i, parameter in enumerate(parameters):
            state |= {f"{optimiser_name}.{i}.{name}": t for name, t in optimiser.state[parameter].items()}
    return state


def _read(path: Path) -> tuple[dict[str, int], dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a dictionary)
    except FileNotFoundError:
        raise CheckpointError(f"checkpoint {path} does not exist") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"checkpoint {path} is damaged ({error}); use an earlier one") from None
    text = metadata.get("async_rl", "")
    if metadata.get("crc32") != str(_checksum(text, tensors)) or _RANDOM_STATE not in tensors:
        raise CheckpointError(f"checkpoint {path} is damaged, or not one of async_rl (checksum); use an earlier one")
    header = json.loads(text)
    if header["version"] != VERSION:
        raise CheckpointError(
            f"checkpoint {path} has format version {header['version']}, this async_rl reads {VERSION}; "
            "use the async_rl that wrote it"
        )
    return header, tensors


def _checksum(text: str, tensors: Mapping[str, Tensor]) -> int:
    checksum = zlib.crc32(text.encode())
    for name in sorted(tensors):
        checksum = zlib.crc32(name.encode(), checksum)
        checksum = zlib.crc32(tensors[name].flatten().view(torch.uint8).numpy().data, checksum)
    return checksum


def _check_shapes(path: Path, stored: dict[str, torch.Size], wanted: dict[str, torch.Size]) -> None:
    for name in sorted(stored.keys() | wanted.keys()):
        if stored.get(name) != wanted.get(name):
            has, takes = (str(list(shapes[name])) if name in shapes else "nothing" for shapes in (stored, wanted))
            raise CheckpointError(
                f"checkpoint {path} is of another network: {name} is {has} there and {takes} here; "
                "use the config.yaml of the run that wrote it"
            )


def _write_atomically(path: Path, data: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the new name, too, survives a power cut
        finally:
            os.close(folder)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
