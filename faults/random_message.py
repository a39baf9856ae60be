"""Random messages of any type: valid by type, unusual by content."""

import math
from collections.abc import Sequence
from importlib import import_module
from random import Random
from typing import Any

from rclpy.serialization import deserialize_message, serialize_message
from rosidl_parser.definition import (
    AbstractNestedType,
    AbstractString,
    Array,
    BasicType,
    NamespacedType,
    UnboundedSequence,
)

LONGEST = 40
"""Maximum elements of most sequences; some have `HUGE`."""
HUGE = 5000
FLOATS = (0.0, -0.0, 0.1, -1.5, 1e-320, 1e18, -1e300, 1.7e308, math.nan, math.inf, -math.inf)
TEXTS = ("", "x", "x" * 1000, "line\nline", "\x1b[31m", "%s{}", "é\u202e", "[]", "nan", "\x7f")
_RANGES = {f"{sign}int{bits}": (-low << bits - 1, (1 << bits - low) - 1) for bits in (8, 16, 32, 64) for sign, low in (
    ("u", 0), ("", 1))}  # fmt: skip
_RANGES |= {"byte": (0, 255), "octet": (0, 255), "char": (0, 255)}


class RandomMessages:
    """Creates random messages.

    Args:
        random: where chance comes from.
        names: texts that mean something to a receiver, such as the robot's joints; a list is often of all of them.
        sizes: numbers that do, such as an image's width.
        texts: longer texts that do, such as the robot's description.
    """

    def __init__(self, random: Random, names: Sequence[str], sizes: Sequence[int], texts: Sequence[str]) -> None:
        self._random, self._names, self._sizes = random, tuple(names), tuple(sizes)
        self._texts = (self._names, TEXTS, tuple(texts))

    def message(self, kind: type) -> Any:
        """Returns a random message of a type, as a subscription delivers it."""
        return deserialize_message(serialize_message(self._filled(kind)), kind)

    def _filled(self, kind: type) -> Any:
        message = kind()
        # Lengths agree within a message more often than not, or little would be read beyond them.
        length = self._random.choice((0, 1, len(self._names), len(self._names), self._random.randint(0, LONGEST)))
        for slot, type_ in zip(message.get_fields_and_field_types(), message.SLOT_TYPES, strict=True):
            setattr(message, slot, self._value(type_, length))
        return message

    def _value(self, type_: Any, length: int) -> Any:
        random = self._random
        match type_:
            case BasicType():
                return self._basic(type_.typename)
            case AbstractString():
                return random.choice(random.choice(self._texts))
            case Array():
                return [self._value(type_.value_type, 0) for _ in range(type_.size)]
            case AbstractNestedType():
                return self._sequence(type_, length)
            case NamespacedType():
                return self._filled(getattr(import_module(".".join(type_.namespaces)), type_.name))
        raise TypeError(f"no value for {type_}")

    def _sequence(self, type_: Any, length: int) -> list[Any]:
        random = self._random
        if isinstance(type_.value_type, AbstractString) and random.random() < 0.5:
            return random.sample(self._names, len(self._names))
        if random.random() < 0.2:
            length = random.randint(0, LONGEST)
        if isinstance(type_.value_type, BasicType) and random.random() < 0.1:
            length = HUGE
        if not isinstance(type_, UnboundedSequence):
            length = min(length, type_.maximum_size)
        if isinstance(type_.value_type, NamespacedType):
            length = min(length, 3)
        return [self._value(type_.value_type, 0) for _ in range(length)]

    def _basic(self, name: str) -> Any:
        random = self._random
        if name == "boolean":
            return random.random() < 0.5
        if name in ("float", "double", "long double"):
            value = random.choice(FLOATS) if random.random() < 0.1 else random.uniform(-1.0, 1.0)
            return value if name != "float" or not abs(value) > 3e38 or math.isinf(value) else math.inf
        low, high = _RANGES[name]
        chosen = random.choice((0, 1, 3, *self._sizes, random.randint(0, 200), low, high, random.randint(low, high)))
        return min(max(chosen, low), high)
