"""From YAML files and launch arguments to one validated `Config`, and from a `Config` to a file."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import yaml
from pydantic import ValidationError

from async_rl_core.config.catalogue import config_folder, is_path, robots
from async_rl_core.config.checks import Problem, check, unseen
from async_rl_core.config.checksum import accept as seal
from async_rl_core.config.checksum import require_right, write_sealed
from async_rl_core.config.document import Document, Key, parse_document, read_document, read_text
from async_rl_core.config.explain import explain
from async_rl_core.config.merge import Merged
from async_rl_core.config.schema import Config, RobotConfig
from async_rl_core.config.sources import read_base, read_preset, read_robot
from async_rl_core.errors import ConfigError
from async_rl_core.tasks.registry import make_task, settings_file, task_class, tasks

DEFAULT_ROBOT = "ur5"

_NOTHING = Document("", {})


def resolve(
    preset: str = "laptop",
    overrides: Mapping[str, object] | None = None,
    robot: str | None = None,
    names: Mapping[str, str] | None = None,
) -> Config:
    """The configuration of a run: base.yaml, then the task, then the robot, then the preset, then the overrides.

    The task is the overrides', else the preset's, else the robot's. A preset whose section `robot` has a name, such as
    an earlier run's configuration, chooses the robot.

    Args:
        preset: a name from `presets()`, or the path of a YAML file (ending in .yaml or .yml), such as an earlier run's.
        overrides: values by dotted key, such as {"camera.width": 80}.
        robot: a name from `robots()`, or the path of a YAML file; by default the preset's, else the UR5.
        names: what errors call an overridden key, such as {"camera.width": "argument image_width"}.

    Raises:
        ConfigError: one line with the file, the key, its value, what is allowed, and the nearest key to a misspelt one;
            or `robot` is another one than the preset's.
    """
    chosen = read_preset(preset)
    named = _robot_name(chosen)
    changes = _overrides(overrides or {})
    # 'preset' records where the values came from, so it is never taken from a file.
    label = Document("preset", {"preset": Path(preset).stem if is_path(preset) else preset})
    if named is None:
        return _layered(read_robot(robot or DEFAULT_ROBOT), chosen, label, changes, names or {})
    config = _layered(read_robot(named) if named in robots() else _NOTHING, chosen, label, changes, names or {})
    if robot is not None and _robot_of(read_robot(robot), chosen.without("robot"), label, changes) != config.robot:
        raise ConfigError(
            f"argument robot: '{robot}' is given, but preset {chosen.where(('robot', 'name'))} is of another robot, "
            f"'{named}'; leave robot out, or delete the section 'robot' from a copy of that preset"
        )
    return config


def _layered(arm: Document, chosen: Document, label: Document, changes: Document, names: Mapping[str, str]) -> Config:
    """The configuration with the robot `arm`, the preset `chosen` and the overrides `changes`."""
    base = read_base()
    own = chosen if chosen.has(("robot", "drivers")) else arm
    before, after = _driver_name(own, [base, chosen]), _driver_name(own, [base, chosen, changes])
    driven = _driven(own, after)
    usual = _usual_task(chosen if chosen.has(("robot", "task")) else arm)
    task = _task([usual, chosen, changes])
    if "task" in chosen.data and chosen.data["task"] != _last("task", [usual, chosen, changes]):
        chosen = chosen.without("parameters")  # which are another task's
    # The robot of a complete preset is as its driver needs it: with another driver, that one's needs go first.
    switched = [driven] if chosen.complete and before != after else []
    return _validated([base, *task, arm, driven, usual, chosen, *switched, label, changes], names)


def _robot_of(arm: Document, chosen: Document, label: Document, changes: Document) -> RobotConfig | None:
    """The robot of another layering; none where that is not valid."""
    try:
        return _layered(arm, chosen, label, changes, {}).robot
    except ConfigError:
        return None


def _robot_name(document: Document) -> str | None:
    """The name of the robot that a preset, or a run's configuration, is of."""
    robot = document.data.get("robot")
    name = robot.get("name") if isinstance(robot, dict) else None
    return name if isinstance(name, str) else None


def _usual_task(arm: Document) -> Document:
    """The robot's own choice of a task."""
    robot = arm.data.get("robot")
    task = robot.get("task") if isinstance(robot, dict) else None
    place = arm.places.get(("robot", "task"))
    return Document(arm.name, {} if task is None else {"task": task}, {} if place is None else {("task",): place})


def _task(sources: list[Document]) -> list[Document]:
    """The settings of the task that the last of the sources names; none where it has none, or there is no such task."""
    name = _last("task", sources)
    if name not in tasks():
        return []
    path = settings_file(str(name), config_folder() / "tasks")
    return [] if path is None else [read_document(path)]


def _drivers(arm: Document) -> dict[object, object]:
    drivers: object = arm.data
    for key in ("robot", "drivers"):
        drivers = drivers.get(key) if isinstance(drivers, dict) else None
    return drivers if isinstance(drivers, dict) else {}


def _driver_name(arm: Document, sources: list[Document]) -> str | None:
    """The driver that the last of the sources names; else, of a real arm, its first."""
    name = _last("driver", sources)
    if name is None and _last("hardware", sources) == "real":
        name = next(iter(_drivers(arm)), None)
    return name if isinstance(name, str) else None


def _driven(arm: Document, name: str | None) -> Document:
    """The keys of the robot that are other with one of its drivers; nothing where there is no such driver."""
    driver = _drivers(arm).get(name)
    data = driver.get("robot") if isinstance(driver, dict) else None
    above = ("robot", "drivers", name, "robot")
    places = {("robot", *key[4:]): place for key, place in arm.places.items() if key[:4] == above}
    return Document(arm.name, {"robot": data} if isinstance(data, dict) else {}, places)


def _last(key: str, sources: list[Document]) -> object:
    """The key's value in the last source that sets it."""
    return next((source.data[key] for source in reversed(sources) if key in source.data), None)


def read_config(path: Path) -> Config:
    """A run's configuration from its file, with its checksum checked; the task's parameters are not.

    Raises `ConfigError`.
    """
    return _validated([_sealed_document(path)], {}, by_task=False)


def reconfigure(
    path: Path, overrides: Mapping[str, object] | None = None, names: Mapping[str, str] | None = None
) -> Config:
    """A run's resolved configuration with some values changed; what is newer than the run has its default.

    `overrides` and `names` are as those of `resolve`. Raises `ConfigError`, also where the checksum is wrong.
    """
    run = _sealed_document(path)
    name = _robot_name(run)
    arm = [read_robot(name)] if name in robots() else []
    changes = _overrides(overrides or {})
    sources = [read_base(), *_task([run, changes]), *arm, run, changes]
    return _validated(sources, names or {})


def _sealed_document(path: Path) -> Document:
    text = read_text(path)
    require_right(text, path)
    return parse_document(text, str(path))


def accept(path: Path) -> bool:
    """Confirms an edited `config.yaml` of a run: checks it, and gives it a right checksum; whether it needed one.

    Raises `ConfigError` where it is not a valid configuration.
    """
    text = read_text(path)
    document = parse_document(text, str(path))
    _validated([document], {})
    return seal(path, text)


def write_config(config: Config, path: Path) -> None:
    """Write a resolved configuration that `read_config` reads back equal; the file is whole or not there."""
    values = config.model_dump(mode="json")
    write_sealed(path, yaml.safe_dump(values, sort_keys=False, default_flow_style=None, width=120))


def _overrides(values: Mapping[str, object]) -> Document:
    data: dict[str, object] = {}
    for dotted, value in values.items():
        *parents, last = dotted.split(".")
        node = data
        for parent in parents:
            inner = node.setdefault(parent, {})
            if not isinstance(inner, dict):
                raise ConfigError(f"override {dotted}: '{parent}' is also given a value of its own")
            node = inner
        node[last] = str(value) if isinstance(value, Path) else value
    return Document("override", data)


def _validated(sources: list[Document], names: Mapping[str, str], by_task: bool = True) -> Config:
    name = _last("task", sources)
    merged = Merged(task_class(str(name)).schema if by_task and name in tasks() else None)
    for source in sources:
        merged.lay(source)

    def where(key: Key) -> str:
        dotted = ".".join(key)
        for length in range(len(key), 0, -1):
            label = names.get(".".join(key[:length]))
            if label is not None and sources[-1].has(key[:length]):
                return label if length == len(key) else f"{label}: {dotted}"
        return f"{merged.where(key) or sources[0].name}: {dotted}"

    try:
        # JSON mode is strict (no 'yes' for true, no '1' for 1), yet takes lists for tuples and strings for paths.
        config = Config.model_validate_json(json.dumps(merged.data, default=str), strict=True)
    except ValidationError as error:
        raise ConfigError(explain(error, merged.data, where)) from None
    chosen = any(source.has(("display",)) for source in sources[1:])  # the first has the defaults
    problems = [*check(config), *(_problems_of_task(config, where, chosen) if by_task else [])]
    if problems:
        raise ConfigError("; ".join(f"{where(tuple(key.split('.')))}: {problem}" for key, problem in problems))
    return config


def _problems_of_task(config: Config, where: Callable[[Key], str], display_chosen: bool) -> list[Problem]:
    """What the task finds wrong. Raises `ConfigError` where its parameters are not what it declares."""
    if config.task not in tasks():
        return [("task", f"'{config.task}' is not allowed; allowed: {', '.join(tasks())}")]
    schema = task_class(config.task).schema
    try:
        schema.of(config)
    except ValidationError as error:
        raise ConfigError(explain(error, config.parameters, lambda key: where(("parameters", *key)), schema)) from None
    task = make_task(config)
    return [*unseen(config, task.shows, display_chosen), *task.problems()]
