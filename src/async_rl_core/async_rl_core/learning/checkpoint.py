"""The learner's whole state, to and from a checkpoint."""

import dataclasses
from pathlib import Path

import torch
from torch import Tensor

from async_rl_core.algorithms.sac.sac import SAC
from async_rl_core.learning.checkpoint_file import (
    Arrays,
    CheckpointContent,
    CheckpointError,
    read_checkpoint,
    write_checkpoint,
)
from async_rl_core.policies.gaussian import GaussianPolicy

_RANDOM_STATE = "random_state"


class LearnerSnapshot:
    """A copy of a learner's networks, targets, temperature, optimisers, counters and random state.

    It lies in memory of its own, which the next `take` writes over: a few ms, and no page that is touched for the
    first time while an arm moves.
    """

    def __init__(self, sac: SAC) -> None:
        self._sac = sac
        self._copy = {
            name: torch.zeros(t.shape, dtype=t.dtype, pin_memory=t.is_cuda) for name, t in _state(sac).items()
        }
        self._copy[_RANDOM_STATE] = sac.generator.get_state()
        self._arrays: Arrays = {name: tensor.numpy() for name, tensor in self._copy.items()}
        self._header: dict[str, object] = {}
        self.take(env_steps=0)

    @torch.no_grad()
    def take(self, env_steps: int) -> None:
        """Copy the learner as it is now, at so many environment steps."""
        sac = self._sac
        for name, tensor in _state(sac).items():
            self._copy[name].copy_(tensor, non_blocking=True)
        self._copy[_RANDOM_STATE].copy_(sac.generator.get_state())
        if sac.device.type == "cuda":
            torch.cuda.synchronize(sac.device)
        self._header = {
            "updates": sac.updates,
            "env_steps": env_steps,
            "spec": dataclasses.asdict(sac.spec),
            "action_size": sac.action_size,
            "sac": sac.config.model_dump(mode="json"),
        }

    def write(self, path: Path) -> None:
        """Write what was taken last, as `write_checkpoint` does."""
        write_checkpoint(path, self._header, self._arrays)


def restore(sac: SAC, stored: CheckpointContent, path: Path) -> None:
    """Bring a learner to a stored state, which came from the file `path`.

    Raises `CheckpointError`, with the learner unchanged, where it is of a learner of other shapes.
    """
    arrays = dict(stored.arrays)
    random_state = torch.from_numpy(arrays.pop(_RANDOM_STATE))
    _copy_into(path, _state(sac), arrays)
    if random_state.shape == sac.generator.get_state().shape:
        sac.generator.set_state(random_state)
    else:  # of a GPU, or for one, and this device is the other kind: its numbers cannot go on, but need not repeat
        sac.generator.manual_seed(stored.updates)
    sac.updates = stored.updates


def load_policy(path: Path, policy: GaussianPolicy) -> tuple[int, int]:
    """Bring a policy to that of the learner in a file; return its updates and the environment steps it had seen.

    Raises `CheckpointError`, with the policy unchanged, where the file cannot be used, or is of other shapes.
    """
    stored = read_checkpoint(path)
    live: dict[str, Tensor] = {
        f"{network_name}.{name}": parameter
        for network_name, network in (("encoder", policy.encoder), ("actor", policy.actor))
        for name, parameter in network.named_parameters()
    }
    arrays = {name: array for name, array in stored.arrays.items() if name.startswith(("encoder.", "actor."))}
    _copy_into(path, live, arrays)
    policy.prepare()
    return stored.updates, stored.env_steps


def _state(sac: SAC) -> dict[str, Tensor]:
    """The live tensors of a learner by name; writing them changes it."""
    state: dict[str, Tensor] = {"log_alpha": sac.log_alpha}
    for network_name, network in sac.networks.items():
        state |= {f"{network_name}.{name}": parameter for name, parameter in network.named_parameters()}
    for optimiser_name, optimiser in sac.optimisers.items():
        for i, parameter in enumerate(optimiser.parameters):
            state |= {f"{optimiser_name}.{i}.{name}": t for name, t in optimiser.state[parameter].items()}
    return {name: tensor.detach() for name, tensor in state.items()}


def _copy_into(path: Path, live: dict[str, Tensor], arrays: Arrays) -> None:
    for name in sorted(arrays.keys() | live.keys()):
        stored = tuple(arrays[name].shape) if name in arrays else None
        wanted = tuple(live[name].shape) if name in live else None
        if stored != wanted:
            has, takes = ("nothing" if shape is None else str(list(shape)) for shape in (stored, wanted))
            raise CheckpointError(
                f"checkpoint {path} is of another network: {name} is {has} there and {takes} here; "
                "use the config.yaml of the run that wrote it"
            )
    for name, tensor in live.items():
        tensor.copy_(torch.from_numpy(arrays[name]))
