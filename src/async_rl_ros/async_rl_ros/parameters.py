"""The resolved configuration as ROS parameters."""

import json
from collections.abc import Iterator

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.node import Node

from async_rl_core.config.section import Section

Value = bool | int | float | str | list[bool] | list[int] | list[float] | list[str]


def declare_config(node: Node, config: Section) -> None:
    """Declares each setting as a read-only parameter, named by its path such as `agent.action_cycle_time`.

    Settings that ROS has no type for, such as mappings, are declared as JSON; those that are not set are empty.
    """
    parameters = [
        (name, value, ParameterDescriptor(description=description, read_only=True))
        for name, value, description in settings(config)
        if not node.has_parameter(name)
    ]
    node.declare_parameters("", parameters)


def settings(section: Section, prefix: str = "") -> Iterator[tuple[str, Value, str]]:
    """Yields the name, value and description of every setting."""
    for key, field in type(section).model_fields.items():
        value = getattr(section, key)
        if isinstance(value, Section):
            yield from settings(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _parameter_value(value), field.description or ""


def _parameter_value(value: object) -> Value:
    if value is None:
        return ""
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple) and value and len({type(item) for item in value}) == 1:
        for kind in (bool, int, float, str):
            if isinstance(value[0], kind):
                return list(value)
    return json.dumps(value, default=_plain)


def _plain(value: object) -> object:
    return value.model_dump(mode="json") if isinstance(value, Section) else str(value)
