"""The learner's whole state, to and from a checkpoint."""

import dataclasses
from pathlib import Path

import torch
from torch import Tensor

from async_rl_core.algorithms.base import Algorithm
from async_rl_core.learning.checkpoint_file import (
    Arrays,
    CheckpointContent,
    CheckpointError,
    read_checkpoint,
    write_checkpoint,
)
from async_rl_core.policies.base import LearnedPolicy

_RANDOM_STATE = "random_state"


class LearnerSnapshot:
    """A copy of a learner's networks, optimisers, other tensors, counters and random state.

    The copy is in memory that is allocated once, so that `take` takes a few ms and causes no page faults.
    """

    def __init__(self, algorithm: Algorithm) -> None:
        self._algorithm = algorithm
        self._copy = {
            name: torch.zeros(t.shape, dtype=t.dtype, pin_memory=t.is_cuda) for name, t in _state(algorithm).items()
        }
        self._copy[_RANDOM_STATE] = algorithm.generator.get_state()
        self._arrays: Arrays = {name: tensor.numpy() for name, tensor in self._copy.items()}
        self._header: dict[str, object] = {}
        self.take(env_steps=0)

    @torch.no_grad()
    def take(self, env_steps: int) -> None:
        """Copies the learner's present state; `env_steps` is the number of environment steps so far."""
        algorithm, setup = self._algorithm, self._algorithm.setup
        for name, tensor in _state(algorithm).items():
            self._copy[name].copy_(tensor, non_blocking=True)
        self._copy[_RANDOM_STATE].copy_(algorithm.generator.get_state())
        if algorithm.device.type == "cuda":
            torch.cuda.synchronize(algorithm.device)
        self._header = {
            "updates": algorithm.updates,
            "env_steps": env_steps,
            "algorithm": setup.name,
            "spec": dataclasses.asdict(setup.spec),
            "action_size": setup.action_size,
            "learning": setup.learning.model_dump(mode="json"),
            "settings": algorithm.config.model_dump(mode="json"),
        }

    def write(self, path: Path) -> None:
        """Writes the newest copy, as `write_checkpoint` does."""
        write_checkpoint(path, self._header, self._arrays)


def restore(algorithm: Algorithm, stored: CheckpointContent, path: Path) -> None:
    """Restores a learner from the content of the file `path`.

    Raises `CheckpointError`, with the learner unchanged, if it is of another algorithm or of other shapes.
    """
    _require_algorithm(path, stored, algorithm.setup.name)
    arrays = dict(stored.arrays)
    random_state = torch.from_numpy(arrays.pop(_RANDOM_STATE))
    _copy_into(path, _state(algorithm), arrays)
    if random_state.shape == algorithm.generator.get_state().shape:
        algorithm.generator.set_state(random_state)
    else:  # of a GPU, or for one, and this device is the other kind: its numbers cannot go on, but need not repeat
        algorithm.generator.manual_seed(stored.updates)
    algorithm.updates = stored.updates


def load_policy(path: Path, policy: LearnedPolicy, algorithm: str) -> tuple[int, int]:
    """Loads the policy of the learner in a file; returns its updates and the environment steps it had seen.

    Raises `CheckpointError`, with the policy unchanged, if the file cannot be used, or is of another algorithm than the
    one of that name, or of other shapes.
    """
    stored = read_checkpoint(path)
    _require_algorithm(path, stored, algorithm)
    live: dict[str, Tensor] = {
        f"{network_name}.{name}": parameter
        for network_name, network in policy.networks.items()
        for name, parameter in network.named_parameters()
    }
    prefixes = tuple(f"{network_name}." for network_name in policy.networks)
    arrays = {name: array for name, array in stored.arrays.items() if name.startswith(prefixes)}
    _copy_into(path, live, arrays)
    policy.prepare()
    return stored.updates, stored.env_steps


def _state(algorithm: Algorithm) -> dict[str, Tensor]:
    """Returns the live tensors of a learner by name; writing them changes the learner."""
    state: dict[str, Tensor] = dict(algorithm.extra_state)
    for network_name, network in algorithm.networks.items():
        state |= {f"{network_name}.{name}": parameter for name, parameter in network.named_parameters()}
    for optimiser_name, optimiser in algorithm.optimisers.items():
        for i, parameter in enumerate(optimiser.parameters):
            state |= {f"{optimiser_name}.{i}.{name}": t for name, t in optimiser.state[parameter].items()}
    return {name: tensor.detach() for name, tensor in state.items()}


def _require_algorithm(path: Path, stored: CheckpointContent, algorithm: str) -> None:
    if stored.algorithm != algorithm:
        raise CheckpointError(
            f"checkpoint {path} is of algorithm '{stored.algorithm}', and the run's is '{algorithm}'; "
            "use the config.yaml of the run that wrote it"
        )


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
