"""pydantic's findings in one line that names the file, the key, its value and what is allowed."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from async_rl_core.config.document import Key
from async_rl_core.config.schema import Config
from async_rl_core.config.section import KeyedError

_MUST = "\0"
"""Marks a finding on a value's type or range."""


def explain(
    error: ValidationError,
    data: Mapping[str, object],
    where: Callable[[Key], str],
    schema: type[BaseModel] = Config,
) -> str:
    """Returns every finding in one line, misspelt keys first: a missing key is often their consequence.

    Args:
        error: what pydantic found.
        data: the nested data that it looked at.
        where: names the source of a key, such as 'laptop.yaml:3: camera.width'.
        schema: what the data were to follow.
    """
    findings = sorted(error.errors(include_url=False), key=lambda f: f["type"] != "extra_forbidden")
    problems: dict[Key, list[str]] = {}
    for finding in findings:
        key = _path(data, finding)
        problems.setdefault(key, []).append(_problem(finding, key, schema))
    lines = [f"{where(key)}: {_joined(key, said, data)}" for key, said in problems.items()]
    return " ".join("; ".join(lines).split())


def _problem(finding: Mapping[str, Any], key: Key, schema: type[BaseModel]) -> str:
    match finding["type"]:
        case "extra_forbidden":
            return "unknown key" + _nearest(key, schema)
        case "missing":
            return "is missing"
        case "value_error":
            return str(finding["ctx"]["error"])
    return _MUST + _lower(finding["msg"])


def _joined(key: Key, said: list[str], data: Mapping[str, object]) -> str:
    """Returns the findings on one key: of a value that may be of several types, one for each type."""
    if not said[0].startswith(_MUST):
        return "; ".join(dict.fromkeys(said))
    reasons = dict.fromkeys(text.removeprefix(_MUST) for text in said)
    return f"{_short(_value(data, key))} is not allowed; {' or '.join(reasons)}"


def _path(data: object, finding: Mapping[str, Any]) -> Key:
    """Returns the key of a finding in the data: pydantic names the members of a union in it too."""
    path: list[str] = []
    error = finding.get("ctx", {}).get("error")
    if not finding["loc"]:
        return error.key if isinstance(error, KeyedError) else ()
    *inner, last = (str(part) for part in finding["loc"])
    for part in inner:
        if isinstance(data, Mapping) and part in data:
            data = data[part]
        elif isinstance(data, list) and part.isdigit() and int(part) < len(data):
            data = data[int(part)]
        else:
            continue
        path.append(part)
    there = isinstance(data, Mapping) or (isinstance(data, list) and last.isdigit())
    key = (*path, last) if there and (finding["type"] == "missing" or _has(data, last)) else tuple(path)
    return (*key, *error.key) if isinstance(error, KeyedError) else key


def _has(data: object, part: str) -> bool:
    return part in data if isinstance(data, Mapping) else isinstance(data, list) and int(part) < len(data)


def keys(schema: type[BaseModel] = Config) -> list[str]:
    """Every key of a configuration, dotted."""
    return list(_keys(schema, ""))


def _keys(model: type[BaseModel], prefix: str) -> Iterable[str]:
    for name, info in model.model_fields.items():
        yield prefix + name
        for candidate in (info.annotation, *get_args(info.annotation)):
            if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                yield from _keys(candidate, f"{prefix}{name}.")


def _nearest(key: Key, schema: type[BaseModel]) -> str:
    """Returns a sibling of similar name; else the same name in another section; else what the section allows."""
    *parents, last = key
    prefix = "".join(f"{part}." for part in parents)
    known = keys(schema)
    siblings = [k for k in known if k.startswith(prefix) and "." not in k[len(prefix) :]]
    near = difflib.get_close_matches(prefix + last, siblings, n=1, cutoff=0.75)
    near = near or [k for k in known if k.split(".")[-1] == last][:1]
    near = near or difflib.get_close_matches(last, [k.split(".")[-1] for k in siblings], n=1, cutoff=0.6)
    if near:
        return f"; did you mean '{near[0] if '.' in near[0] else prefix + near[0]}'?"
    return "; allowed: " + (", ".join(k[len(prefix) :] for k in siblings) or "none")


def _value(data: object, key: Key) -> object:
    for part in key:
        if isinstance(data, Mapping) and part in data:
            data = data[part]
        elif isinstance(data, list) and part.isdigit() and int(part) < len(data):
            data = data[int(part)]
        else:
            return None
    return data


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _lower(message: str) -> str:
    message = message.replace("valid dictionary", "mapping").replace("an object", "a mapping of keys to values")
    return message.replace("Input should be", "it must be").replace("Value should", "it should").rstrip(".")
