"""From YAML files and launch arguments to one validated `Config`, and from a `Config` to a file."""

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

import yaml
from pydantic import ValidationError

from async_rl_core.config.checks import Problem, check, unseen
from async_rl_core.config.document import Document, Key, read_document
from async_rl_core.config.explain import did_you_mean, explain
from async_rl_core.config.schema import Config
from async_rl_core.errors import ConfigError
from async_rl_core.tasks.registry import make_task, settings_file, task_class, tasks

_FOLDER_VARIABLE = "ASYNC_RL_CONFIG"


def config_folder() -> Path:
    """The folder of base.yaml, presets/ and robots/: ASYNC_RL_CONFIG, else as installed, else the source tree's."""
    if explicit := os.environ.get(_FOLDER_VARIABLE):
        folder = Path(explicit)
        if not (folder / "base.yaml").is_file():
            raise ConfigError(f"{_FOLDER_VARIABLE}={explicit} has no base.yaml; unset it, or name such a folder")
        return folder
    prefixes = [Path(p) for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    candidates = [prefix / "share" / "async_rl" / "config" for prefix in prefixes]
    candidates.append(Path(__file__).resolve().parents[4] / "config")
    for folder in candidates:
        if (folder / "base.yaml").is_file():
            return folder
    raise ConfigError(f"config/base.yaml not found; source install/setup.bash, or set {_FOLDER_VARIABLE} to its folder")


def presets() -> list[str]:
    """The names of the presets that come with the suite, sorted."""
    return _names("presets")


def robots() -> list[str]:
    """The names of the robots that come with the suite, sorted."""
    return _names("robots")


def cameras() -> list[str]:
    """The names of the cameras' drivers that come with the suite, in the order of base.yaml."""
    data: object = read_document(config_folder() / "base.yaml").data
    for key in ("camera", "drivers"):
        data = data.get(key) if isinstance(data, dict) else None
    return list(data) if isinstance(data, dict) else []


def resolve(
    preset: str = "laptop",
    overrides: Mapping[str, object] | None = None,
    robot: str = "ur5",
    names: Mapping[str, str] | None = None,
) -> Config:
    """The configuration of a run: base.yaml, then the task, then the robot, then the preset, then the overrides.

    The task is the overrides', else the preset's, else the robot's.

    Args:
        preset: a name from `presets()`, or the path of a YAML file (ending in .yaml or .yml), such as an earlier run's.
        overrides: values by dotted key, such as {"camera.width": 80}.
        robot: a name from `robots()`, or the path of a YAML file.
        names: what errors call an overridden key, such as {"camera.width": "argument image_width"}.

    Raises:
        ConfigError: one line with the file, the key, its value, what is allowed, and the nearest key to a misspelt one.
    """
    chosen = read_document(_find("preset", preset))
    arm = _nested(read_document(_find("robot", robot)), "robot")
    changes = _overrides(overrides or {})
    # 'preset' records where the values came from, so it is never taken from a file.
    label = Document("preset", {"preset": Path(preset).stem if _is_path(preset) else preset})
    base = read_document(config_folder() / "base.yaml")
    driven = _driven(arm, [base, chosen, changes])
    usual = _usual_task(arm)
    task = _task([usual, chosen, changes])
    return _validated([base, *task, arm, driven, usual, chosen, label, changes], names or {})


def _usual_task(arm: Document) -> Document:
    """The robot's own choice of a task."""
    robot = arm.data.get("robot")
    task = robot.get("task") if isinstance(robot, dict) else None
    return Document(arm.name, {} if task is None else {"task": task})


def _task(sources: list[Document]) -> list[Document]:
    """The settings of the task that the last of the sources names; none where it has none, or there is no such task."""
    name = _last("task", sources)
    if name not in tasks():
        return []
    path = settings_file(str(name), config_folder() / "tasks")
    return [] if path is None else [read_document(path)]


def _driven(arm: Document, sources: list[Document]) -> Document:
    """What the robot's driver has other than the robot's file says; nothing where there is no such driver.

    The driver is the one that the last of the sources names, else, of a real arm, its first.
    """
    drivers: object = arm.data
    for key in ("robot", "drivers"):
        drivers = drivers.get(key) if isinstance(drivers, dict) else None
    known = cast(dict[object, object], drivers) if isinstance(drivers, dict) else {}
    name = _last("driver", sources)
    if name is None and _last("hardware", sources) == "real":
        name = next(iter(known), None)
    driver = known.get(name) if isinstance(name, str) else None
    data = driver.get("robot") if isinstance(driver, dict) else None
    return Document(f"driver {name}", {"robot": data} if isinstance(data, dict) else {})


def _last(key: str, sources: list[Document]) -> object:
    """What the last of the sources that says anything of a key says of it."""
    return next((source.data[key] for source in reversed(sources) if key in source.data), None)


def read_config(path: Path) -> Config:
    """A resolved configuration from its file, checked like any other, but not by its task: who needs that loads it.

    Raises `ConfigError`.
    """
    return _validated([read_document(path)], {}, by_task=False)


def reconfigure(
    path: Path, overrides: Mapping[str, object] | None = None, names: Mapping[str, str] | None = None
) -> Config:
    """A run's resolved configuration with some values changed; what is newer than the run has its default.

    `overrides` and `names` are as those of `resolve`. Raises `ConfigError`.
    """
    run = read_document(path)
    robot = run.data.get("robot")
    name = robot.get("name") if isinstance(robot, dict) else None
    arm = [_nested(read_document(_find("robot", str(name))), "robot")] if name in robots() else []
    changes = _overrides(overrides or {})
    sources = [read_document(config_folder() / "base.yaml"), *_task([run, changes]), *arm, run, changes]
    return _validated(sources, names or {})


def write_config(config: Config, path: Path) -> None:
    """Write a resolved configuration that `read_config` reads back equal; the file is whole or not there."""
    comment = "# The resolved configuration of this run; run it again with preset:=<this file> run_dir:=<new folder>\n"
    values = config.model_dump(mode="json")
    text = comment + yaml.safe_dump(values, sort_keys=False, default_flow_style=None, width=120)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _names(kind: str) -> list[str]:
    return sorted(path.stem for path in (config_folder() / kind).glob("*.yaml"))


def _is_path(name: str) -> bool:
    return name.endswith((".yaml", ".yml"))


def _find(kind: str, name: str) -> Path:
    if _is_path(name):
        path = Path(name).expanduser()
        if not path.is_file():
            raise ConfigError(f"{kind} '{name}': no such file")
        return path
    known = _names(f"{kind}s")
    if name not in known:
        allowed = f"allowed: {', '.join(known)}, or the path of a .yaml file"
        raise ConfigError(f"unknown {kind} '{name}'{did_you_mean(name, known)}; {allowed}")
    return config_folder() / f"{kind}s" / f"{name}.yaml"


def _nested(document: Document, key: str) -> Document:
    """The document moved below a key. A complete configuration contributes only its section of that name."""
    section = document.data.get(key)
    if isinstance(section, dict):
        lines = {k[1:]: line for k, line in document.lines.items() if k[0] == key and len(k) > 1}
        document = Document(document.name, cast(dict[str, object], section), lines)
    return Document(document.name, {key: document.data}, {(key, *k): line for k, line in document.lines.items()})


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


def _merge(base: dict[str, object], over: Mapping[str, object], section: bool = True) -> dict[str, object]:
    """`over` laid over `base`; `section`: whether its keys are those of whole sections, at the top of a file."""
    merged = dict(base)
    for key, value in over.items():
        inner = merged.get(key)
        if isinstance(inner, dict) and isinstance(value, dict):
            merged[key] = _merge(cast(dict[str, object], inner), value, section=False)
        elif not (section and isinstance(inner, dict) and value is None):  # 'camera:' with nothing below says nothing
            merged[key] = value
    return merged


def _validated(sources: list[Document], names: Mapping[str, str], by_task: bool = True) -> Config:
    data: dict[str, object] = {}
    for source in sources:
        data = _merge(data, source.data)

    def where(key: Key) -> str:
        dotted = ".".join(key)
        if dotted in names and sources[-1].has(key):
            return names[dotted]
        # A default that clashes with what the user set is found at the last source that says anything of it.
        owner = next((s for s in reversed(sources) if s.has(key)), None)
        return f"{(owner or sources[0]).where(key)}: {dotted}"

    try:
        # JSON mode is strict (no 'yes' for true, no '1' for 1), yet takes lists for tuples and strings for paths.
        config = Config.model_validate_json(json.dumps(data, default=str), strict=True)
    except ValidationError as error:
        raise ConfigError(explain(error, data, where)) from None
    chosen = any(source.has(("display",)) for source in sources[1:])  # the first has the defaults
    problems = [*check(config), *(_problems_of_task(config, where, chosen) if by_task else [])]
    if problems:
        key, problem = problems[0]
        raise ConfigError(f"{where(tuple(key.split('.')))}: {problem}")
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
