"""The records of a learner in a run's folder."""

from collections.abc import Callable

from async_rl_core.config.schema import Config
from async_rl_core.errors import ConfigError
from async_rl_core.learning.checkpoint_folder import CheckpointFolder
from async_rl_core.learning.learner import Learner
from async_rl_core.learning.metrics import MetricsWriter
from async_rl_core.run_folder.run_folder import RunFolder


class LearnerRecords:
    """Restores a learner from the run's newest checkpoint, then writes its checkpoints and metrics.

    Args:
        config: of the run.
        learner: the learner; it publishes the restored policy.
        warn: is told of damaged files that the learner does without.

    Raises:
        ConfigError: the run has no folder.
        CheckpointError: no checkpoint can be used.
        MetricsError: the metrics cannot be written.
    """

    def __init__(self, config: Config, learner: Learner, warn: Callable[[str], object]) -> None:
        if config.run_dir is None:
            raise ConfigError("run_dir is not set; the learner keeps its checkpoints and metrics in the run's folder")
        self._learner = learner
        folder, period = RunFolder(config.run_dir).checkpoints, config.learner.checkpoint_period
        self.checkpoints = CheckpointFolder(folder, learner.algorithm, period)
        learner.env_steps = self.checkpoints.restore(warn)
        self.metrics = MetricsWriter(config.run_dir, learner.algorithm.updates, warn=warn)
        self._written = learner.metrics
        learner.publish()

    @property
    def trouble(self) -> str:
        """The reason why the last checkpoint or metrics could not be written; empty if they were."""
        return self.checkpoints.failed or self.metrics.failed

    def keep(self) -> None:
        """Writes the metrics if they are new, and a checkpoint if one is due; call it after each update."""
        learner = self._learner
        if learner.metrics is not self._written:
            self._written = learner.metrics
            self.metrics.write(learner.algorithm.updates, learner.env_steps, learner.metrics)
        self.checkpoints.save_when_due(learner.env_steps)

    def close(self) -> None:
        """Writes the last checkpoint and what is pending of the metrics."""
        self.checkpoints.close(self._learner.env_steps)
        self.metrics.close()
