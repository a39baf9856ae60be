"""A YAML file as data, with the line of every key and list item, so that an error can say where."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from async_rl_core.errors import ConfigError

Key = tuple[str, ...]


_RESOLVED = {"preset", "task", "hardware", "camera", "agent", "robot"}


class _Loader(yaml.SafeLoader):
    """YAML's safe subset without aliases. Reads 1e-3 as a number, which YAML 1.1 takes for a string."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event: Any = self.peek_event()  # type: ignore[no-untyped-call]
            problem = "aliases (*name) are not supported; write the value out"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
        return super().compose_node(parent, index)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\.\d+|\d+(\.\d*)?)[eE][-+]?\d+$"), list("-+.0123456789")
)


@dataclass(frozen=True)
class Document:
    """Nested data, and the file and line that each key is from.

    Attributes:
        name: the file, or another source of values, as errors name it.
        places: `<file>:<line>` of keys and list items.
    """

    name: str
    data: dict[str, object]
    places: Mapping[Key, str] = field(default_factory=dict)

    def where(self, key: Key) -> str:
        """Returns the file with the line of the key, or of the nearest section or list that it is in."""
        places = (self.places.get(key[:length]) for length in range(len(key), 0, -1))
        return next((place for place in places if place is not None), self.name)

    @property
    def complete(self) -> bool:
        """Returns whether this is the resolved configuration of a run."""
        robot = self.data.get("robot")
        return self.data.keys() >= _RESOLVED and isinstance(robot, dict) and "name" in robot

    def without(self, name: str) -> "Document":
        """Returns the document without one of its sections."""
        return Document(self.name, {key: value for key, value in self.data.items() if key != name}, self.places)

    def has(self, key: Key) -> bool:
        """Returns whether this source sets the key."""
        node: object = self.data
        for part in key:
            if isinstance(node, list) and part.isdigit() and int(part) < len(node):
                node = node[int(part)]
            elif isinstance(node, dict) and part in node:
                node = node[part]
            else:
                return False
        return True


def last_value(key: str, sources: Sequence[Document]) -> object:
    """Returns the top-level key's value in the last source that sets it; None if none does."""
    return next((source.data[key] for source in reversed(sources) if key in source.data), None)


def read_document(path: Path) -> Document:
    """Reads a YAML file; an empty one is an empty document.

    Raises `ConfigError` where the file cannot be read, is not YAML, names a key twice or uses aliases.
    """
    return parse_document(read_text(path), str(path))


def read_text(path: Path) -> str:
    """Returns the text of a YAML file. Raises `ConfigError` where it cannot be read."""
    if path.is_dir():
        raise ConfigError(f"{path}: is a folder, not a YAML file")
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({_one_line(error)})") from None


def parse_document(text: str, name: str) -> Document:
    """Returns the document in a text; `name` stands for the file in errors."""
    lines: dict[Key, int] = {}
    try:
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
            if root is None:
                return Document(name, {})
            if not isinstance(root, yaml.MappingNode):
                raise ConfigError(f"{name}: must be a mapping of keys to values, like 'seed: 1'")
            _walk(root, (), name, lines)
            data = loader.construct_document(root)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f":{error.problem_mark.line + 1}"
        raise ConfigError(f"{name}{line}: not valid YAML ({_one_line(error.problem or error)})") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{name}: not valid YAML ({_one_line(error)})") from None
    places = {key: f"{name}:{line}" for key, line in lines.items()}
    return Document(name, cast(dict[str, object], data), places)


def _walk(node: yaml.Node, key: Key, name: str, lines: dict[Key, int]) -> None:
    """Notes the line of every key below a node; refuses what a reader of the file would misread."""
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[(*key, str(index))] = item.start_mark.line + 1
            _walk(item, (*key, str(index)), name, lines)
    elif isinstance(node, yaml.MappingNode):
        for key_node, value in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != "tag:yaml.org,2002:str":
                raise ConfigError(f"{name}:{line}: keys must be plain names")
            child = (*key, key_node.value)
            if child in lines:
                dotted = ".".join(child)
                raise ConfigError(f"{name}:{line}: key '{dotted}' is given twice, first in line {lines[child]}")
            lines[child] = line
            _walk(value, child, name, lines)


def _one_line(error: object) -> str:
    return " ".join(str(error).split())
