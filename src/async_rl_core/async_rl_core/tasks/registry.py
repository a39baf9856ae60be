"""The tasks by name."""

from collections.abc import Callable

from async_rl_core.config.schema import Config, TargetConfig, TaskName
from async_rl_core.tasks.target import ReachingTarget, Target, TrackingTarget

TARGETS: dict[TaskName, Callable[[TargetConfig, int], Target]] = {
    "reaching": ReachingTarget,
    "tracking": TrackingTarget,
}


EVALUATION_SEEDS = 2**31
"""Added to the seed of an evaluation: no run has trained on its targets, since a run's seed is smaller."""


def make_target(config: Config) -> Target:
    """The target of a run's task, seeded with the run's seed."""
    seed = config.seed if config.learns else EVALUATION_SEEDS + config.seed
    return TARGETS[config.task](config.target, seed)
