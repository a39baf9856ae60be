"""A trained policy that does not change any more."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.schema import Config
from async_rl_core.learning.checkpoint import load_policy
from async_rl_core.learning.checkpoint_file import CheckpointError, newest_whole
from async_rl_core.policies.gaussian import GaussianPolicy
from async_rl_core.run_folder.run_folder import RunFolder
from async_rl_core.spec.observation import ObservationSpec


class FixedPolicy(GaussianPolicy):
    """The policy of a checkpoint, which acts without noise: its actions are tanh(mu) (Yuan, 2022, section 6.2).

    Attributes:
        checkpoint: the file.
        updates: gradient updates behind the policy.
        env_steps: environment steps that the learner had seen.

    Raises:
        CheckpointError: the file is missing, damaged, or of networks other than the configuration's.
    """

    def __init__(self, config: Config, checkpoint: Path) -> None:
        super().__init__(
            config.sac, ObservationSpec.from_config(config), len(config.robot.actuated_joints), config.seed
        )
        self.checkpoint = checkpoint
        self.updates, self.env_steps = load_policy(checkpoint, self)

    def act(
        self, images: NDArray[np.uint8], state: NDArray[np.float32], deterministic: bool = True
    ) -> NDArray[np.float32]:
        """As `GaussianPolicy.act`, without noise where nothing else is said."""
        return super().act(images, state, deterministic)


def newest_policy(config: Config, run: Path, warn: Callable[[str], object]) -> FixedPolicy:
    """The policy of a run's newest checkpoint that is whole; `warn` is told of newer ones that are damaged.

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
