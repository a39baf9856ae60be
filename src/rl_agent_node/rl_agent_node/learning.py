"""Where the agent's experience goes and where its policy comes from: other processes, or this one (Seq-SAC)."""

from typing import Protocol

from async_rl_core.algorithms.policy import Policy
from async_rl_core.algorithms.sequential import SequentialLearning
from async_rl_core.algorithms.spec import ObservationSpec
from async_rl_core.config.schema import Config
from async_rl_core.replay.step import Step
from async_rl_core.transport.parameters import ParameterSubscriber
from async_rl_core.transport.service import Endpoint, domain_from_environment
from async_rl_core.transport.steps import StepLayout, StepPublisher


class Learning(Protocol):
    """What the agent needs of learning."""

    policy: Policy

    @property
    def updates(self) -> int:
        """Gradient updates behind the policy."""

    def send(self, step: Step) -> bool:
        """Hand over a step; False: not now."""

    def poll(self) -> bool:
        """Take a newer policy if there is one; returns whether there was."""

    def close(self) -> None:
        """Release what is held."""


class SharedMemoryLearning:
    """Replay and learner are processes of their own: nothing here waits for them."""

    def __init__(self, config: Config) -> None:
        actions = len(config.robot.actuated_joints)
        self.policy = Policy(config.sac, ObservationSpec.of(config), actions, config.seed)
        self.updates = 0
        self._endpoint = Endpoint(domain_from_environment(), "rl_agent_node")
        self._steps = StepPublisher(self._endpoint, StepLayout.of(config))
        self._parameters = ParameterSubscriber(self._endpoint, self.policy.size)

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


def connect(config: Config) -> Learning:
    """The learning that the run's architecture asks for."""
    return SequentialLearning(config) if config.architecture == "seq" else SharedMemoryLearning(config)
