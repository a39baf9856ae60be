"""The part of an installed task that the configuration needs: its settings and their contradictions."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol, cast

from async_rl_core import plugins
from async_rl_core.config.schema import Config
from async_rl_core.config.section import Section
from async_rl_core.errors import ConfigError

GROUP = "async_rl.tasks"
"""The group of entry points that names the tasks."""


class TaskPlugin(Protocol):
    """The class of a task, as the configuration sees it; `async_rl_core.tasks.task.Task` is its base class.

    Attributes:
        schema: the section that the task's `parameters` follow.
    """

    schema: type[Section]

    def __call__(self, config: Config) -> "ConfiguredTask":
        """Returns the task of a run."""


class ConfiguredTask(Protocol):
    """The task of a run, as the configuration sees it."""

    shows: Any
    uses_camera: bool

    def problems(self) -> Iterable[tuple[str, str]]:
        """Yields each contradiction in the configuration: the dotted key to change, and the reason."""


def tasks() -> list[str]:
    """Returns the names of the installed tasks, sorted."""
    return plugins.names(GROUP)


def task_plugin(name: str) -> TaskPlugin:
    """Returns the class of an installed task. Raises `ConfigError` if it cannot be loaded or is not a task."""
    found = plugins.load(GROUP, name, object)
    schema = getattr(found, "schema", None)
    if not (isinstance(schema, type) and issubclass(schema, Section)):
        raise ConfigError(f"{GROUP}: '{name}' is {found!r}, which does not derive from Task; correct it")
    return cast(TaskPlugin, found)


def task_defaults(name: str, folder: Path) -> Path | None:
    """Returns the file of a task's defaults: in `folder`, else beside its module; None if there is none."""
    return plugins.settings_file(cast("type[object]", task_plugin(name)), name, folder)
