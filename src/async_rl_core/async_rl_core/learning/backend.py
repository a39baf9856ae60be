"""The agent's connection to learning: to other processes, to a learner in this process (Seq), or to a checkpoint."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from async_rl_core.algorithms.registry import make_policy
from async_rl_core.config.schema import Config
from async_rl_core.errors import ConfigError
from async_rl_core.policies.base import LearnedPolicy
from async_rl_core.run_folder.run_folder import RunFolder
from async_rl_core.spec.step import SINGLE_ACTOR, Step
from async_rl_core.transport.shared_memory.parameters import ParameterSubscriber
from async_rl_core.transport.shared_memory.service import Endpoint, domain_from_environment
from async_rl_core.transport.shared_memory.steps import StepLayout, StepPublisher
from async_rl_core.transport.steps import Ack

if TYPE_CHECKING:
    from async_rl_core.learning.learner import Learner

IDLE = 1.0
"""Seconds without an update after which Seq does a warm-up update."""


class LearningBackend(Protocol):
    """The connection to learning that the agent uses."""

    policy: LearnedPolicy

    @property
    def updates(self) -> int:
        """Gradient updates behind the policy."""

    @property
    def learner(self) -> "Learner | None":
        """The learner, if it is in this process."""

    @property
    def trouble(self) -> str:
        """A problem of which the user should know although learning continues; empty if there is none."""

    @property
    def newest_ack(self) -> Callable[[], Ack | None] | None:
        """Tells what of what was sent is there to stay; None where all of it is, at once."""

    def send(self, step: Step) -> bool:
        """Takes a step; returns False if it cannot now."""

    def poll(self) -> bool:
        """Loads a newer policy if there is one; returns whether there was."""

    def close(self) -> None:
        """Releases memory and files."""


class SharedMemoryBackend:
    """Replay and learner are processes of their own: nothing here waits for them."""

    learner = None
    trouble = ""

    def __init__(self, config: Config, actor: str = SINGLE_ACTOR) -> None:
        self.policy = make_policy(config)
        self.updates = 0
        self._endpoint = Endpoint(domain_from_environment(), "rl_agent_node")
        self._steps = StepPublisher(self._endpoint, StepLayout.from_config(config), actor)
        self._parameters = ParameterSubscriber(self._endpoint, self.policy.size)
        self.newest_ack = self._steps.newest_ack

    def send(self, step: Step) -> bool:
        """Sends a step to the replay process; returns False if that lags or is absent."""
        return self._steps.send(step)

    def poll(self) -> bool:
        """Loads the newest parameters if they are new; returns whether they were."""
        newest = self._parameters.newest()
        if newest is None:
            return False
        self.policy.load(newest.values)
        self.updates = newest.updates
        return True

    def close(self) -> None:
        """Closes the ports."""
        self._steps.close()
        self._parameters.close()
        self._endpoint.close()


class InProcessBackend:
    """Replay and learner in this process (Seq), with their records; it resumes from these.

    Raises `ConfigError` where the run has no folder, or an error of the files that it holds.
    """

    newest_ack = None

    def __init__(self, config: Config, warn: Callable[[str], object]) -> None:
        # Here, since no other architecture waits for what they load: numba and TensorBoard take seconds.
        from async_rl_core.learning.learner_records import LearnerRecords
        from async_rl_core.learning.sequential import SequentialLearning

        if config.run_dir is None:
            raise ConfigError("run_dir is not set; with architecture seq rl_agent_node keeps the run's records in it")
        folder = RunFolder(config.run_dir)
        self._sequential = SequentialLearning(config)
        self.policy, self.learner = self._sequential.policy, self._sequential.learner
        if config.replay.journal:
            self._sequential.replay.open_journal(folder.journal, warn=warn)
        self._records = LearnerRecords(config, self.learner, warn)
        self._worked = time.monotonic()

    @property
    def updates(self) -> int:
        """Gradient updates behind the policy."""
        return self._sequential.updates

    @property
    def trouble(self) -> str:
        """The reason why the journal, the metrics or the last checkpoint could not be written."""
        journal = self._sequential.replay.journal
        return self._records.trouble or (journal.failed if journal else "")

    def send(self, step: Step) -> bool:
        """Stores a step; returns True."""
        return self._sequential.send(step)

    def poll(self) -> bool:
        """Does the updates that are due and records them; returns whether there is a newer policy."""
        before = self.updates
        newer = self._sequential.poll()
        if self.updates > before:
            self._worked = time.monotonic()
        elif time.monotonic() - self._worked > IDLE:
            self._sequential.warm_up()
            self._worked = time.monotonic()
        self._records.keep()
        return newer

    def close(self) -> None:
        """Writes the last checkpoint and completes the files."""
        self._records.close()
        self._sequential.close()


class FixedPolicyBackend:
    """A checkpoint's policy acts as it is; nothing is learned, and nothing is kept."""

    newest_ack = learner = None
    trouble = ""

    def __init__(self, config: Config) -> None:
        from async_rl_core.policies.fixed import FixedPolicy  # only evaluations need it

        assert config.evaluation.checkpoint is not None
        fixed = FixedPolicy(config, config.evaluation.checkpoint)
        self.policy: LearnedPolicy = fixed
        self.updates = fixed.updates

    def send(self, step: Step) -> bool:
        """Discards the step; returns True."""
        return True

    def poll(self) -> bool:
        """Returns True: the policy is there from the start."""
        return True

    def close(self) -> None:
        """Does nothing."""


def connect(config: Config, warn: Callable[[str], object], actor: str = SINGLE_ACTOR) -> LearningBackend:
    """Returns the connection that the run's architecture needs; in an evaluation, one to a checkpoint.

    `warn` is told of files that are damaged and can be done without.
    """
    if not config.learns:
        return FixedPolicyBackend(config)
    return InProcessBackend(config, warn) if config.architecture == "seq" else SharedMemoryBackend(config, actor)
