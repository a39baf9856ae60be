"""Where the agent's experience goes and where its policy comes from: other processes, this one (Seq-SAC), a file."""

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
"""Seconds without an update after which Seq-SAC rehearses one."""


class LearningBackend(Protocol):
    """What the agent needs of learning."""

    policy: LearnedPolicy

    @property
    def updates(self) -> int:
        """Gradient updates behind the policy."""

    @property
    def learner(self) -> "Learner | None":
        """The learner, where this process has it."""

    @property
    def trouble(self) -> str:
        """What should be looked at, though learning goes on; empty where all is well."""

    @property
    def newest_ack(self) -> Callable[[], Ack | None] | None:
        """Tells what of what was sent is there to stay; None where all of it is, at once."""

    def send(self, step: Step) -> bool:
        """Hand over a step; False: not now."""

    def poll(self) -> bool:
        """Take a newer policy if there is one; returns whether there was."""

    def close(self) -> None:
        """Release what is held."""


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
        """Hand a step to the replay process; False where it lags or is away."""
        return self._steps.send(step)

    def poll(self) -> bool:
        """Take the newest parameters, if they are new."""
        newest = self._parameters.newest()
        if newest is None:
            return False
        self.policy.load(newest.values)
        self.updates = newest.updates
        return True

    def close(self) -> None:
        """Drop the ports."""
        self._steps.close()
        self._parameters.close()
        self._endpoint.close()


class InProcessBackend:
    """Seq-SAC: replay and learner work in this process, which keeps what theirs would, and goes on from it.

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
        """Why the journal, the metrics or the last checkpoint could not be written."""
        journal = self._sequential.replay.journal
        return self._records.trouble or (journal.failed if journal else "")

    def send(self, step: Step) -> bool:
        """Store a step."""
        return self._sequential.send(step)

    def poll(self) -> bool:
        """Learn what is due, record it, and stay in practice; returns whether there is a newer policy."""
        before = self.updates
        newer = self._sequential.poll()
        if self.updates > before:
            self._worked = time.monotonic()
        elif time.monotonic() - self._worked > IDLE:
            self._sequential.rehearse()
            self._worked = time.monotonic()
        self._records.keep()
        return newer

    def close(self) -> None:
        """Write the last checkpoint and complete the files."""
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
        """Nobody wants the step."""
        return True

    def poll(self) -> bool:
        """The policy is there from the start."""
        return True

    def close(self) -> None:
        """Nothing is held."""


def connect(config: Config, warn: Callable[[str], object], actor: str = SINGLE_ACTOR) -> LearningBackend:
    """The learning that the run's architecture asks for, or none where a checkpoint is evaluated.

    `warn` is told of files that are damaged and can be done without.
    """
    if not config.learns:
        return FixedPolicyBackend(config)
    return InProcessBackend(config, warn) if config.architecture == "seq" else SharedMemoryBackend(config, actor)
