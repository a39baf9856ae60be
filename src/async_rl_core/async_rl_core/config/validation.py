"""Validation of merged sources: one `Config`, or one line with every error."""

import json
from collections.abc import Callable, Mapping

from pydantic import ValidationError

from async_rl_core.config.algorithm import AlgorithmSection, algorithms, named_algorithms, section_class
from async_rl_core.config.checks import Problem, check, unseen
from async_rl_core.config.document import Document, Key, last_value
from async_rl_core.config.explain import explain
from async_rl_core.config.merge import PARAMETERS, Merged
from async_rl_core.config.moved import moved_keys
from async_rl_core.config.schema import Config
from async_rl_core.config.section import Section
from async_rl_core.config.task import task_plugin, tasks
from async_rl_core.errors import ConfigError


def validated(sources: list[Document], names: Mapping[str, str], by_plugins: bool = True) -> Config:
    """Returns the configuration that sources make, the later over the earlier.

    Args:
        sources: the documents; the last holds the overrides.
        names: what errors call an overridden key.
        by_plugins: whether the sections of task and algorithm are checked, which loads their plug-ins.

    Raises:
        ConfigError: one line that names each key that is wrong, with its source.
    """
    sections = _sections(sources) if by_plugins else {}
    merged = Merged(sections)
    for source in sources:
        merged.lay(source)
    for name, section in sections.items():
        if issubclass(section, AlgorithmSection) and section.inherits:
            merged.inherit(name, section.inherits)

    def where(key: Key) -> str:
        dotted = ".".join(key)
        for length in range(len(key), 0, -1):
            label = names.get(".".join(key[:length]))
            if label is not None and sources[-1].has(key[:length]):
                return label if length == len(key) else f"{label}: {dotted}"
        return f"{merged.where(key) or sources[0].name}: {dotted}"

    moved = [f"{s.where(key)}: {'.'.join(key)}: is now '{new}'" for s in sources for key, new in moved_keys(s)]
    if moved:
        raise ConfigError("; ".join(moved))
    wrong = [line for name, section in sections.items() if (line := _wrong(name, section, merged.data, where))]
    chosen = merged.data.get("algorithm")
    unused = sections.keys() - {PARAMETERS, chosen}
    data = {key: value for key, value in merged.data.items() if key not in unused}
    try:
        config = Config.from_values(data)
    except ValidationError as error:
        wrong.insert(0, explain(error, data, where))
    if wrong:
        raise ConfigError("; ".join(wrong))
    shown = any(source.has(("display",)) for source in sources[1:])  # the first has the defaults
    problems = [*check(config), *(_problems_of_plugins(config, shown) if by_plugins else [])]
    if problems:
        raise ConfigError("; ".join(f"{where(tuple(key.split('.')))}: {problem}" for key, problem in problems))
    return config


def _sections(sources: list[Document]) -> dict[str, type[Section]]:
    """Returns the schemas of the sections of plug-ins: the task's parameters, and each algorithm's section."""
    task = last_value("task", sources)
    sections: dict[str, type[Section]] = {name: section_class(name) for name in named_algorithms(sources)}
    return sections | ({PARAMETERS: task_plugin(str(task)).schema} if task in tasks() else {})


def _wrong(name: str, section: type[Section], data: Mapping[str, object], where: Callable[[Key], str]) -> str:
    """Returns what is wrong in the section of a plug-in; empty if nothing is."""
    values = data.get(name, {})
    if not isinstance(values, dict):
        return f"{where((name,))}: {values!r} is not allowed; it must be a mapping of keys to values"
    try:
        section.model_validate_json(json.dumps(values, default=str), strict=True)
    except ValidationError as error:
        return explain(error, values, lambda key: where((name, *key)), section)
    return ""


def _problems_of_plugins(config: Config, display_chosen: bool) -> list[Problem]:
    """Returns the problems that the algorithm and the task find."""
    if config.task not in tasks():
        return [("task", f"'{config.task}' is not allowed; allowed: {', '.join(tasks())}")]
    problems = []
    if config.algorithm in algorithms():
        problems += list(section_class(config.algorithm).from_config(config).problems(config))
    task = task_plugin(config.task)(config)
    if config.record_video and not task.uses_camera:
        problems.append(("record_video", f"task '{config.task}' uses no camera; leave it out"))
    if task.uses_camera:
        problems += unseen(config, task.shows, display_chosen)
    return [*problems, *task.problems()]
