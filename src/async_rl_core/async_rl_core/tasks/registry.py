"""The tasks by name."""

from collections.abc import Callable

from async_rl_core.config.schema import Config, TargetConfig, TaskName
from async_rl_core.tasks.target import ReachingTarget, Target, TrackingTarget

TARGETS: dict[TaskName, Callable[[TargetConfig, int], Target]] = {
    "reaching": ReachingTarget,
    "tracking": TrackingTarget,
}


def make_target(config: Config) -> Target:
    """The target of a run's task, seeded with the run's seed."""
    return TARGETS[config.task](config.target, config.seed)
