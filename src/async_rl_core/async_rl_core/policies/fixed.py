"""A trained policy that acts without learning."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from async_rl_core.algorithms.registry import make_policy
from async_rl_core.config.schema import Config
from async_rl_core.learning.checkpoint import load_policy
from async_rl_core.learning.checkpoint_file import CheckpointError, newest_whole
from async_rl_core.run_folder.run_folder import RunFolder

if TYPE_CHECKING:
    from torch import nn


class FixedPolicy:
    """The policy of a checkpoint, which acts without noise (Yuan, 2022, section 6.2).

    Attributes:
        checkpoint: the file.
        updates: gradient updates behind the policy.
        env_steps: environment steps that the learner had seen.

    Raises:
        CheckpointError: the file is missing, damaged, or of networks other than the configuration's.
    """

    def __init__(self, config: Config, checkpoint: Path) -> None:
        self._policy = make_policy(config)
        self.checkpoint = checkpoint
        self.updates, self.env_steps = load_policy(checkpoint, self._policy, config.algorithm)

    @property
    def size(self) -> int:
        """Number of parameters."""
        return self._policy.size

    @property
    def networks(self) -> "Mapping[str, nn.Module]":
        """The policy's networks by name."""
        return self._policy.networks

    @property
    def feature_points(self) -> NDArray[np.float32]:
        """Image points that the last `act` looked at, as in `LearnedPolicy`."""
        return self._policy.feature_points

    def load(self, parameters: NDArray[np.float32]) -> None:
        """Copies other parameters."""
        self._policy.load(parameters)

    def prepare(self) -> None:
        """Recomputes what `act` derives from the parameters."""
        self._policy.prepare()

    def deterministic_network(self) -> "nn.Module":
        """Returns a copy of the policy for export, as in `LearnedPolicy`."""
        return self._policy.deterministic_network()

    def begin_episode(self, episode: int) -> None:
        """Does nothing: no noise is drawn."""

    def act(
        self, images: NDArray[np.uint8], state: NDArray[np.float32], deterministic: bool = True
    ) -> NDArray[np.float32]:
        """Returns an action, by default without noise."""
        return self._policy.act(images, state, deterministic)


def newest_policy(config: Config, run: Path, warn: Callable[[str], object]) -> FixedPolicy:
    """Returns the policy of a run's newest undamaged checkpoint; `warn` is told of newer, damaged ones.

    Raises:
        CheckpointError: there is no checkpoint, or all are damaged, or the newest is of other networks.
    """
    found = newest_whole(RunFolder(run).checkpoints, lambda line: warn(f"warning: {line}"))
    if found is None:
        raise CheckpointError(
            f"run {run} has no checkpoint; the learner writes one every {config.learner.checkpoint_period:g} s, and "
            "at its end"
        )
    return FixedPolicy(config, found[0])
