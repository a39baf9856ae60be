"""The executables of ROS 2 packages, found without ROS 2's own packages."""

import os
from collections.abc import Mapping
from pathlib import Path

from async_rl_core.bringup.graph import NodeSpec
from async_rl_core.errors import ConfigError
from async_rl_core.ros_environment import ament_prefixes, prefixes_of


def find_executable(package: str, executable: str, ambient: Mapping[str, str]) -> Path:
    """Returns `<prefix>/lib/<package>/<executable>` of the first prefix in AMENT_PREFIX_PATH that has it.

    Raises `ConfigError` saying whether the package or the executable is missing, and what to do.
    """
    for prefix in ament_prefixes(ambient):
        path = prefix / "lib" / package / executable
        if path.is_file() and os.access(path, os.X_OK):
            return path
    known = bool(prefixes_of(package, ambient))
    missing = f"executable '{executable}' in package '{package}'" if known else f"package '{package}'"
    raise ConfigError(f"{missing} not found on AMENT_PREFIX_PATH; build the workspace and source install/setup.bash")


def command(spec: NodeSpec, ambient: Mapping[str, str]) -> list[str]:
    """Returns the command line of a node, as launch_ros would write it."""
    program = str(find_executable(spec.package, spec.executable, ambient))
    return [program, *spec.arguments, "--ros-args", "-r", f"__node:={spec.name}", *ros_arguments(spec)]


def ros_arguments(spec: NodeSpec) -> list[str]:
    """Returns a node's enclave and parameters, and what else it takes, as words after `--ros-args`."""
    words = [*(["--enclave", spec.enclave] if spec.enclave else []), *spec.ros_arguments]
    for name, value in spec.parameters.items():
        quoted = value.replace("'", "''")  # they are read as YAML
        words += ["-p", f"{name}:='{quoted}'"]
    return words
