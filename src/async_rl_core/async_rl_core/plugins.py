"""Plug-ins: classes that an installed package registers by an entry point."""

import inspect
import sys
from functools import cache
from importlib.metadata import EntryPoints, entry_points
from pathlib import Path
from typing import TypeVar

from async_rl_core.errors import ConfigError

T = TypeVar("T")


def names(group: str) -> list[str]:
    """The names registered in a group of entry points, sorted."""
    return sorted(_entries(group, tuple(sys.path)).names)


def load(group: str, name: str, base: type[T]) -> type[T]:
    """The class registered by a name, which is, or derives from, `base`.

    Raises `ConfigError` where there is none of that name, more than one, or it cannot be imported or is another class.
    """
    found = _load(group, name)
    if not (inspect.isclass(found) and issubclass(found, base)):
        raise ConfigError(f"{group}: '{name}' is {found!r}, which does not derive from {base.__name__}; correct it")
    return found


def settings_file(plugin: type[object], name: str, folder: Path) -> Path | None:
    """Returns the YAML file of a plug-in: `<name>.yaml` in `folder`, else beside its module; None if there is none."""
    module = Path(inspect.getfile(plugin))
    return next((path for path in (folder / f"{name}.yaml", module.with_name(f"{name}.yaml")) if path.is_file()), None)


@cache
def _entries(group: str, path: tuple[str, ...]) -> EntryPoints:
    """The entry points of a group that are found on `sys.path`; reading them takes a while."""
    return entry_points(group=group)


@cache
def _load(group: str, name: str) -> object:
    found = list(_entries(group, tuple(sys.path)).select(name=name))
    if len(found) != 1:
        several = " and ".join(sorted(entry.value for entry in found))
        allowed = ", ".join(names(group)) or "none, since the suite is not installed; run 'make build'"
        why = f"is registered twice, by {several}; uninstall one" if found else f"is not there; allowed: {allowed}"
        raise ConfigError(f"{group}: '{name}' {why}")
    try:
        return found[0].load()
    except Exception as error:  # whatever someone else's module raises; the person is to know which module
        text = " ".join(str(error).split())
        raise ConfigError(f"{group}: '{name}' cannot be imported from {found[0].value}: {text}") from error
