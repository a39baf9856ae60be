"""The tasks by name: whatever is installed with an entry point of the group."""

from pathlib import Path

from async_rl_core import plugins
from async_rl_core.config.schema import Config
from async_rl_core.tasks.target import Target
from async_rl_core.tasks.task import Task

GROUP = "async_rl.tasks"

EVALUATION_SEEDS = 2**31
"""Added to the seed of an evaluation: no run has trained on its targets, since a run's seed is smaller."""


def tasks() -> list[str]:
    """The names of the registered tasks, sorted."""
    return plugins.names(GROUP)


def task_class(name: str) -> type[Task]:
    """The class of a registered task. Raises `ConfigError` where it cannot be had."""
    return plugins.load(GROUP, name, Task)  # type: ignore[type-abstract]


def settings_file(name: str, folder: Path) -> Path | None:
    """The settings of a task: `<name>.yaml` in `folder`, or beside the task's module; None where there are none."""
    return plugins.settings_file(task_class(name), name, folder)


def make_task(config: Config) -> Task:
    """The task of a run. Raises `ConfigError`."""
    return task_class(config.task)(config)


def make_target(config: Config) -> Target:
    """The target of a run's task, seeded with the run's seed."""
    seed = config.seed if config.learns else EVALUATION_SEEDS + config.seed
    return make_task(config).target(seed)
