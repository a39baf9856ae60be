"""A policy's episodes in simulated time, without noise and without learning."""

from itertools import islice

from async_rl_core.agent.acting_policy import ActingPolicy
from async_rl_core.agent.step_recorder import EpisodeResult
from async_rl_core.config.schema import Config
from async_rl_core.experiments.simulated_run import SimulatedRun
from async_rl_core.spec.step import Step


class FixedLearning:
    """Gives a policy that never changes, and stores nothing."""

    def __init__(self, policy: ActingPolicy) -> None:
        self.policy = policy

    def send(self, step: Step) -> bool:
        """Accepts the step."""
        return True

    def poll(self) -> bool:
        """Returns that there is a policy."""
        return True


def evaluate_in_simulated_time(config: Config, policy: ActingPolicy, episodes: int) -> list[EpisodeResult]:
    """Returns the results of so many episodes; `config` is that of an evaluation, without random steps."""
    run = SimulatedRun(config, FixedLearning(policy))
    try:
        return list(islice(run.episodes(), episodes))
    finally:
        run.close()
