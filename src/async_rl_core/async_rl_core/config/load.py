"""From YAML files and launch arguments to one validated `Config`, and from a `Config` to a file."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from async_rl_core.config.catalogue import config_folder, is_path, robots
from async_rl_core.config.checksum import accept as seal
from async_rl_core.config.checksum import require_right, write_sealed
from async_rl_core.config.document import Document, last_value, parse_document, read_document, read_text
from async_rl_core.config.schema import Config, RobotConfig
from async_rl_core.config.sources import read_algorithm_defaults, read_base, read_preset, read_robot
from async_rl_core.config.task import task_defaults, tasks
from async_rl_core.config.validation import validated
from async_rl_core.errors import ConfigError

DEFAULT_ROBOT = "ur5"

_NOTHING = Document("", {})


def resolve(
    preset: str = "laptop",
    overrides: Mapping[str, object] | None = None,
    robot: str | None = None,
    names: Mapping[str, str] | None = None,
) -> Config:
    """Returns the configuration of a run: base.yaml, task, robot, preset and overrides, the later over the earlier.

    The task is the overrides', else the preset's, else the robot's. A preset whose section `robot` has a name, such as
    an earlier run's configuration, chooses the robot.

    Args:
        preset: a name from `presets()`, or the path of a YAML file (ending in .yaml or .yml), such as an earlier run's.
        overrides: values by dotted key, such as {"camera.width": 80}.
        robot: a name from `robots()`, or the path of a YAML file; by default the preset's, else the UR5.
        names: the name of an overridden key in errors, such as {"camera.width": "argument image_width"}.

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
    """Returns the configuration with the robot `arm`, the preset `chosen` and the overrides `changes`."""
    base = read_base()
    own = chosen if chosen.has(("robot", "drivers")) else arm
    before, after = _driver_name(own, [base, chosen]), _driver_name(own, [base, chosen, changes])
    driven = _driven(own, after)
    usual = _usual_task(chosen if chosen.has(("robot", "task")) else arm)
    task = _task([usual, chosen, changes])
    if "task" in chosen.data and chosen.data["task"] != last_value("task", [usual, chosen, changes]):
        chosen = chosen.without("parameters")  # which are another task's
    # The robot of a complete preset is as its driver needs it: with another driver, that one's needs go first.
    switched = [driven] if chosen.complete and before != after else []
    layers = [*task, arm, driven, usual, chosen, *switched, label, changes]
    return validated([base, *read_algorithm_defaults([base, *layers]), *layers], names)


def _robot_of(arm: Document, chosen: Document, label: Document, changes: Document) -> RobotConfig | None:
    """Returns the robot of another layering; none if that is not valid."""
    try:
        return _layered(arm, chosen, label, changes, {}).robot
    except ConfigError:
        return None


def _robot_name(document: Document) -> str | None:
    """Returns the name of the robot that a preset, or a run's configuration, is of."""
    robot = document.data.get("robot")
    name = robot.get("name") if isinstance(robot, dict) else None
    return name if isinstance(name, str) else None


def _usual_task(arm: Document) -> Document:
    """Returns the robot's own choice of a task."""
    robot = arm.data.get("robot")
    task = robot.get("task") if isinstance(robot, dict) else None
    place = arm.places.get(("robot", "task"))
    return Document(arm.name, {} if task is None else {"task": task}, {} if place is None else {("task",): place})


def _task(sources: list[Document]) -> list[Document]:
    """Returns the settings of the task that the last of the sources names; empty if it has none or is unknown."""
    name = last_value("task", sources)
    if name not in tasks():
        return []
    path = task_defaults(str(name), config_folder() / "tasks")
    return [] if path is None else [read_document(path)]


def _drivers(arm: Document) -> dict[object, object]:
    drivers: object = arm.data
    for key in ("robot", "drivers"):
        drivers = drivers.get(key) if isinstance(drivers, dict) else None
    return drivers if isinstance(drivers, dict) else {}


def _driver_name(arm: Document, sources: list[Document]) -> str | None:
    """Returns the driver that the last of the sources names; else, of a real arm, its first."""
    name = last_value("driver", sources)
    if name is None and last_value("hardware", sources) == "real":
        name = next(iter(_drivers(arm)), None)
    return name if isinstance(name, str) else None


def _driven(arm: Document, name: str | None) -> Document:
    """Returns the keys of the robot that differ with one of its drivers; empty if there is no such driver."""
    driver = _drivers(arm).get(name)
    data = driver.get("robot") if isinstance(driver, dict) else None
    above = ("robot", "drivers", name, "robot")
    places = {("robot", *key[4:]): place for key, place in arm.places.items() if key[:4] == above}
    return Document(arm.name, {"robot": data} if isinstance(data, dict) else {}, places)


def read_config(path: Path) -> Config:
    """Returns a run's configuration from its file. Checks the checksum, not the sections of task and algorithm.

    Raises `ConfigError`.
    """
    return validated([_sealed_document(path)], {}, by_plugins=False)


def reconfigure(
    path: Path, overrides: Mapping[str, object] | None = None, names: Mapping[str, str] | None = None
) -> Config:
    """Returns a run's resolved configuration with some values changed; newer keys have their defaults.

    `overrides` and `names` are as those of `resolve`. Raises `ConfigError`, also where the checksum is wrong.
    """
    run = _sealed_document(path)
    name = _robot_name(run)
    arm = [read_robot(name)] if name in robots() else []
    changes = _overrides(overrides or {})
    base, layers = read_base(), [*_task([run, changes]), *arm, run, changes]
    return validated([base, *read_algorithm_defaults([base, *layers]), *layers], names or {})


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
    validated([document], {})
    return seal(path, text)


def write_config(config: Config, path: Path) -> None:
    """Writes a resolved configuration atomically; `read_config` reads it back equal."""
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
