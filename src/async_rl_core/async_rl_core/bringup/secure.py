"""`secure:=true`: each process with keys and rights of its own, and none without."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from async_rl_core.bringup.graph import NodeSpec
from async_rl_core.security.keystore import VARIABLE, enclave, keystore_folder, require_keys
from async_rl_core.security.middleware import require_plugins

DRIVER = enclave("driver")
"""The enclave of nodes that a driver's own launch file starts."""

_OVERRIDE = "ROS_SECURITY_ENCLAVE_OVERRIDE"


def check_secure(specs: Sequence[NodeSpec], included: bool, ambient: Mapping[str, str]) -> None:
    """Raises `ConfigError` unless the middleware has security and every process has valid keys.

    Args:
        specs: the processes.
        included: whether another's launch file belongs to the run.
        ambient: the environment.
    """
    require_plugins(ambient)
    enclaves = [enclave(spec.name) for spec in specs] + [DRIVER] * included
    require_keys(keystore_folder(ambient), enclaves, datetime.now(UTC))


def secured(spec: NodeSpec, ambient: Mapping[str, str]) -> NodeSpec:
    """Returns the process in its enclave; no ambient variable can weaken that."""
    return replace(spec, enclave=enclave(spec.name), env={**spec.env, **variables(ambient)})


def variables(ambient: Mapping[str, str], override: str = "") -> dict[str, str]:
    """Returns the variables that enforce security; `override` is the enclave of nodes that name none themselves."""
    return {
        "ROS_SECURITY_ENABLE": "true",
        "ROS_SECURITY_STRATEGY": "Enforce",
        VARIABLE: str(keystore_folder(ambient)),
        _OVERRIDE: override,
    }
