"""The YAML files that a configuration is made of, each read as one document."""

from pathlib import Path
from typing import cast

from async_rl_core.config.algorithm import algorithms, defaults_file, named_algorithms
from async_rl_core.config.catalogue import config_folder, find_file, is_path
from async_rl_core.config.document import Document, read_document
from async_rl_core.config.merge import PARAMETERS, Merged
from async_rl_core.config.paths import user_path
from async_rl_core.errors import ConfigError

EXTENDS = "extends"
"""The key of a preset that names another one, whose values it starts from."""


def read_base() -> Document:
    """Returns every default. Raises `ConfigError`."""
    return read_document(config_folder() / "base.yaml")


def read_algorithm_defaults(sources: list[Document]) -> list[Document]:
    """Returns the defaults of each algorithm that the sources name. Raises `ConfigError`."""
    files = [(name, defaults_file(name, config_folder() / "algorithms")) for name in named_algorithms(sources)]
    return [_nested(read_document(path), name) for name, path in files if path is not None]


def cameras() -> list[str]:
    """Returns the names of the camera drivers that come with the suite, in the order of base.yaml."""
    data: object = read_base().data
    for key in ("camera", "drivers"):
        data = data.get(key) if isinstance(data, dict) else None
    return list(data) if isinstance(data, dict) else []


def read_robot(robot: str) -> Document:
    """Returns a robot, given by its name or path, below the key `robot`. Raises `ConfigError`."""
    path = find_file("robot", robot)
    return _with_model_path(_nested(read_document(path), "robot"), path)


def read_preset(preset: str) -> Document:
    """Returns a preset, given by its name or path, with the values of those that it extends.

    Raises:
        ConfigError: a file is missing or not YAML, or a preset extends itself.
    """
    return _read_preset(find_file("preset", preset), ())


def _read_preset(path: Path, extending: tuple[Path, ...]) -> Document:
    document = _with_model_path(_without_defaults(read_document(path)), path)
    if EXTENDS not in document.data:
        return document
    where, name = document.where((EXTENDS,)), document.data[EXTENDS]
    if not isinstance(name, str):
        raise ConfigError(f"{where}: {EXTENDS} must be the name of a preset, or the path of a .yaml file")
    try:
        base = find_file("preset", str(path.parent / user_path(name)) if is_path(name) else name)
    except ConfigError as error:
        raise ConfigError(f"{where}: {EXTENDS}: {error}") from None
    extending = (*extending, path.resolve())
    if base.resolve() in extending:
        raise ConfigError(f"{where}: {EXTENDS}: '{name}' extends this file in turn; remove one of the two")
    return _extended(_read_preset(base, extending), document.without(EXTENDS))


def _extended(base: Document, over: Document) -> Document:
    """Returns a preset on top of the one that it extends."""
    if "task" in over.data and base.data.get("task", over.data["task"]) != over.data["task"]:
        base = base.without(PARAMETERS)  # those of another task
    merged = Merged(dict.fromkeys([PARAMETERS, *algorithms()]))
    merged.lay(base)
    merged.lay(over)
    return Document(over.name, merged.data, {**base.places, **over.places})


def _without_defaults(document: Document) -> Document:
    """Returns a run's configuration without `display: false`, which is a default and not a choice."""
    if not document.complete or document.data.get("display") is not False:
        return document
    return document.without("display")


def _with_model_path(document: Document, path: Path) -> Document:
    """Returns the document with the absolute path of its robot's model, where the model is beside the file."""
    robot = document.data.get("robot")
    model = robot.get("model") if isinstance(robot, dict) else None
    if not isinstance(model, str) or path.parent == config_folder() / "robots":
        return document
    there = path.parent.absolute() / user_path(model)  # an absolute path of the model replaces the folder
    if not there.is_file():
        return document
    placed = {**cast(dict[str, object], robot), "model": str(there)}
    return Document(document.name, {**document.data, "robot": placed}, document.places)


def _nested(document: Document, key: str) -> Document:
    """Returns the document moved below a key; of a complete configuration, only its section of that name."""
    section = document.data.get(key)
    if isinstance(section, dict):
        places = {k[1:]: place for k, place in document.places.items() if k[0] == key and len(k) > 1}
        document = Document(document.name, cast(dict[str, object], section), places)
    return Document(document.name, {key: document.data}, {(key, *k): place for k, place in document.places.items()})
