"""The tasks by name: every installed class with an entry point of the group."""

from async_rl_core import plugins
from async_rl_core.config.schema import Config
from async_rl_core.config.task import GROUP
from async_rl_core.tasks.target import Target
from async_rl_core.tasks.task import Task


def task_class(name: str) -> type[Task]:
    """Returns the class of a registered task. Raises `ConfigError` where it cannot be loaded."""
    return plugins.load(GROUP, name, Task)  # type: ignore[type-abstract]


def make_task(config: Config) -> Task:
    """Returns the task of a run. Raises `ConfigError`."""
    return task_class(config.task)(config)


def make_target(config: Config) -> Target | None:
    """Returns the target of a run's task, seeded with the run's seed; None where the task has none."""
    task = make_task(config)
    return task.target(task.target_seed)
