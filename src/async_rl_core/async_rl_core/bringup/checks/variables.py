"""Environment variables with which a run cannot work, found before anything starts."""

import importlib.util
import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree

from async_rl_core.errors import ConfigError
from async_rl_core.ros_environment import library_folders

RANGES = ("LOCALHOST", "SUBNET", "SYSTEM_DEFAULT")
"""Values of ROS_AUTOMATIC_DISCOVERY_RANGE with which the nodes of a run find each other."""

PROFILES = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")
"""Name a file of settings, of Fast DDS 3 and of Jazzy's 2."""

_USUAL_MIDDLEWARE = "rmw_fastrtps_cpp"
_SWITCHES = ("RCUTILS_COLORIZED_OUTPUT", "RCUTILS_LOGGING_BUFFERED_STREAM", "RCUTILS_LOGGING_USE_STDOUT")
_WHEELS = "_ROS_WHEELS_BOOTSTRAP_COMPLETE"  # set by .venv/env.sh where ROS 2 comes from wheels
_SHADOWED = ("rclpy", "numpy", "torch", "mujoco", "pinocchio", "cv2", "pydantic")


def check_variables(ambient: Mapping[str, str]) -> None:
    """Raises `ConfigError` for the first variable with which a run cannot work."""
    for problem in problems(ambient):
        raise ConfigError(problem)


def problems(ambient: Mapping[str, str]) -> Iterator[str]:
    """Yields one line for each variable with which a run cannot work: its name, what is wrong, and what to do."""
    yield from _middleware(ambient)
    yield from _discovery(ambient)
    yield from _profiles(ambient)
    yield from _security(ambient)
    yield from _python(ambient)
    for name in _SWITCHES:
        if ambient.get(name, "") not in ("", "0", "1"):
            yield f"{name} is '{ambient[name]}'; set it to 0 or 1, or unset it"


def _middleware(ambient: Mapping[str, str]) -> Iterator[str]:
    name = ambient.get("RMW_IMPLEMENTATION", "")
    if not name or name == _USUAL_MIDDLEWARE:
        return
    if not any((folder / f"lib{name}.so").is_file() for folder in library_folders(ambient)):
        yield (
            f"RMW_IMPLEMENTATION is '{name}', which is not installed here; "
            f"unset it (unset RMW_IMPLEMENTATION), or set it to {_USUAL_MIDDLEWARE}"
        )


def _discovery(ambient: Mapping[str, str]) -> Iterator[str]:
    name = "ROS_AUTOMATIC_DISCOVERY_RANGE"
    value = ambient.get(name, "")
    if value == "OFF":
        yield f"{name} is 'OFF', so that nodes do not find each other; unset it, or set it to LOCALHOST"
    elif value and value not in RANGES:
        yield f"{name} is '{value}'; unset it, or set it to {', '.join(RANGES)}"
    for peer in filter(None, ambient.get("ROS_STATIC_PEERS", "").split(";")):
        try:
            socket.getaddrinfo(peer, None)
        except (OSError, UnicodeError):
            yield f"ROS_STATIC_PEERS names '{peer}', which has no address; correct it, or unset ROS_STATIC_PEERS"


def _profiles(ambient: Mapping[str, str]) -> Iterator[str]:
    for name in PROFILES:
        path = ambient.get(name, "")
        if not path:
            continue
        try:
            ElementTree.parse(path)
        except OSError as error:
            yield f"{name} names {path}: {error.strerror}; correct it, or unset {name}"
        except (ElementTree.ParseError, ValueError, LookupError) as error:
            yield f"{name} names {path}, which is not XML ({error}); correct it, or unset {name}"


def _security(ambient: Mapping[str, str]) -> Iterator[str]:
    enabled = ambient.get("ROS_SECURITY_ENABLE", "").lower() == "true"
    keystore = ambient.get("ROS_SECURITY_KEYSTORE", "")
    if enabled and ambient.get("ROS_SECURITY_STRATEGY") == "Enforce" and not Path(keystore or "/none").is_dir():
        yield (
            f"ROS_SECURITY_STRATEGY is 'Enforce', but ROS_SECURITY_KEYSTORE is '{keystore}', which is no folder; "
            "unset ROS_SECURITY_ENABLE (secure:=true sets what it needs by itself), or name the keystore"
        )


def _python(ambient: Mapping[str, str]) -> Iterator[str]:
    if any(part.split(":")[0].strip() == "error" for part in ambient.get("PYTHONWARNINGS", "").split(",")):
        yield "PYTHONWARNINGS turns warnings into errors, which ends nodes; unset it (unset PYTHONWARNINGS)"
    if _WHEELS not in ambient:  # where ROS 2 is sourced, PYTHONPATH is how Python finds it
        return
    entries = [Path(entry) for entry in ambient.get("PYTHONPATH", "").split(os.pathsep) if entry]
    for module in _SHADOWED:
        spec = importlib.util.find_spec(module)
        origin = Path(spec.origin) if spec and spec.origin else None
        if origin and any(entry in origin.parents for entry in entries):
            yield f"PYTHONPATH brings another {module} ({origin.parent}); unset it (unset PYTHONPATH) and try again"
