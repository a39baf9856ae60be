"""A YAML file as data, with the line of every key, so that an error can say where."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import yaml

from async_rl_core.errors import ConfigError

Key = tuple[str, ...]


class _Loader(yaml.SafeLoader):
    """YAML's safe subset. YAML 1.1 reads 1e-3 as a string for want of a point; here it is the number it looks like."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\.\d+|\d+(\.\d*)?)[eE][-+]?\d+$"), list("-+.0123456789")
)


@dataclass(frozen=True)
class Document:
    """Nested data and its origin: `where(key)` is what an error names."""

    name: str
    data: dict[str, object]
    lines: Mapping[Key, int] = field(default_factory=dict)

    def where(self, key: Key) -> str:
        """The name of the source, with the line of the key where there is one."""
        line = self.lines.get(key)
        return self.name if line is None else f"{self.name}:{line}"

    def has(self, key: Key) -> bool:
        """Whether this source says anything about the key."""
        node: object = self.data
        for part in key:
            if not isinstance(node, dict) or part not in node:
                return False
            node = node[part]
        return True


def read_document(path: Path) -> Document:
    """Read a YAML file; an empty one is an empty document.

    Raises `ConfigError` where the file cannot be read, is not YAML, names a key twice or uses aliases.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({_one_line(error)})") from None
    return parse_document(text, str(path))


def parse_document(text: str, name: str) -> Document:
    """The document in a text; `name` stands for the file in errors."""
    lines: dict[Key, int] = {}
    try:
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
            if root is None:
                return Document(name, {})
            if not isinstance(root, yaml.MappingNode):
                raise ConfigError(f"{name}: must be a mapping of keys to values, like 'seed: 1'")
            _walk(root, (), name, lines, set())
            data = loader.construct_document(root)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f":{error.problem_mark.line + 1}"
        raise ConfigError(f"{name}{line}: not valid YAML ({_one_line(error.problem or error)})") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{name}: not valid YAML ({_one_line(error)})") from None
    return Document(name, cast(dict[str, object], data), lines)


def _walk(node: yaml.Node, key: Key, name: str, lines: dict[Key, int], seen: set[int]) -> None:
    """Note the line of every key below a node; refuse what a reader of the file would misread."""
    if id(node) in seen:
        raise ConfigError(f"{name}:{node.start_mark.line + 1}: aliases (*name) are not supported; write the value out")
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*key, str(index)), name, lines, seen)
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
            _walk(value, child, name, lines, seen)


def _one_line(error: object) -> str:
    return " ".join(str(error).split())
