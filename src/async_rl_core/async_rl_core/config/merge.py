"""Sources of a configuration laid over each other: each key's value, and the source that it is from."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, cast, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from async_rl_core.config.document import Document, Key
from async_rl_core.config.schema import Config
from async_rl_core.config.section import ByKey

PARAMETERS = "parameters"
"""The section of the task's own settings."""


class Merged:
    """The merged data of several sources, and the source of each key.

    A section, whose keys the schema declares, is merged key by key. Any other mapping (a robot's drivers, a driver's
    arguments, the joints of a posture term) and every list is replaced as a whole. Mappings that the schema marks
    `ByKey` are merged entry by entry, unless the source is a complete configuration.

    Args:
        sections: schemas of the sections that plug-ins declare, by name: the task's parameters, the
            algorithms'; None for a section whose values are merged key by key without a schema.
    """

    def __init__(self, sections: Mapping[str, type[BaseModel] | None]) -> None:
        self.data: dict[str, object] = {}
        self._owners: dict[Key, Document] = {}
        self._sections = sections

    def lay(self, source: Document) -> None:
        """Lays a source over those before it."""
        self._lay(self.data, source.data, Config, (), source)

    def inherit(self, name: str, parent: str) -> None:
        """Takes each key of the section `parent` that the section `name` lacks into that one."""
        section, values = self.data.setdefault(name, {}), self.data.get(parent)
        if isinstance(section, dict) and isinstance(values, dict):
            for key in values.keys() - section.keys():
                section[key] = deepcopy(values[key])
                owned = {k: owner for k, owner in self._owners.items() if k[:2] == (parent, key)}
                self._owners |= {(name, *k[1:]): owner for k, owner in owned.items()}

    def where(self, key: Key) -> str:
        """Names the source of a key, with its line; for a key that is missing, the source of what it is missing in."""
        for length in range(len(key), 0, -1):
            if owner := self._owners.get(key[:length]):
                return owner.where(key)
        return ""

    def _lay(
        self,
        node: dict[str, object],
        over: Mapping[str, object],
        schema: type[BaseModel] | None,
        key: Key,
        source: Document,
        entries: ByKey | None = None,
    ) -> None:
        """Lays `over` over `node`, which are of a section, or with `entries` of a mapping that is merged by key."""
        for name, value in over.items():
            at, inner = (*key, name), node.get(name)
            if not isinstance(inner, dict):
                self._put(node, at, value, source)
            elif isinstance(value, dict):
                self._combine(node, inner, value, schema, at, source, entries)
            elif not (len(at) == 1 and value is None):  # 'camera:' with nothing below says nothing
                self._put(node, at, value, source)

    def _combine(
        self,
        node: dict[str, object],
        inner: dict[str, object],
        value: dict[str, object],
        schema: type[BaseModel] | None,
        at: Key,
        source: Document,
        entries: ByKey | None,
    ) -> None:
        if len(at) == 1 and at[0] in self._sections:
            self._lay(inner, value, self._sections[at[0]], at, source)
        elif entries is not None:
            if entries.identity in value:
                self._put(node, at, value, source)
            else:
                self._lay(inner, value, schema, at, source)
        elif schema is None or (field := schema.model_fields.get(at[-1])) is None:
            self._put(node, at, value, source)
        elif (section := section_of(field.annotation)) is not None:
            self._lay(inner, value, section, at, source)
        elif (by_key := _by_key(field)) is not None and not source.complete:
            self._lay(inner, value, _values_of(field.annotation), at, source, by_key)
        else:
            self._put(node, at, value, source)

    def _put(self, node: dict[str, object], at: Key, value: object, source: Document) -> None:
        """Replaces the value of a key, and all below it."""
        if isinstance(node.get(at[-1]), dict | list):
            self._owners = {key: owner for key, owner in self._owners.items() if key[: len(at)] != at}
        node[at[-1]] = deepcopy(value)
        self._own(at, value, source)

    def _own(self, key: Key, value: object, source: Document) -> None:
        self._owners[key] = source
        children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for name, child in children:
            self._own((*key, str(name)), child, source)


def section_of(annotation: object) -> type[BaseModel] | None:
    """Returns the section that a field holds; none if it holds another kind of value, or one of several sections."""
    found = [one for one in (annotation, *get_args(annotation)) if isinstance(one, type) and get_origin(one) is None]
    sections = [one for one in found if issubclass(one, BaseModel)]
    return sections[0] if len(sections) == 1 and get_origin(annotation) is not dict else None


def _values_of(annotation: object) -> type[BaseModel] | None:
    """Returns the section that each value of a mapping is."""
    values: Any = cast("tuple[object, ...]", get_args(annotation))[1]
    return section_of(values)


def _by_key(field: FieldInfo) -> ByKey | None:
    return next((mark for mark in field.metadata if isinstance(mark, ByKey)), None)
