"""The environment variables of ROS 2 that the suite reads itself."""

import os
from collections.abc import Mapping
from pathlib import Path

from async_rl_core.errors import ConfigError

LARGEST_DOMAIN = 232


def ros_domain(ambient: Mapping[str, str]) -> int:
    """Returns ROS_DOMAIN_ID, which is 0 where it is unset.

    Raises:
        ConfigError: it is not a decimal number from 0 to 232 without leading zeros; ROS reads 010 as 8.
    """
    text = ambient.get("ROS_DOMAIN_ID") or "0"
    if not (text.isascii() and text.isdecimal()) or text != str(int(text)) or int(text) > LARGEST_DOMAIN:
        raise ConfigError(f"ROS_DOMAIN_ID is '{text}'; set it to a number from 0 to {LARGEST_DOMAIN}, or unset it")
    return int(text)


def ament_prefixes(ambient: Mapping[str, str]) -> list[Path]:
    """Returns the folders in AMENT_PREFIX_PATH, the first to be searched first."""
    return _folders(ambient, "AMENT_PREFIX_PATH")


def library_folders(ambient: Mapping[str, str]) -> list[Path]:
    """Returns the folders in which the loader finds the libraries of ROS 2, in its order."""
    return [*_folders(ambient, "LD_LIBRARY_PATH"), *(prefix / "lib" for prefix in ament_prefixes(ambient))]


def prefixes_of(package: str, ambient: Mapping[str, str]) -> list[Path]:
    """Returns the prefixes in which a ROS package is installed."""
    marker = Path("share") / "ament_index" / "resource_index" / "packages" / package
    return [prefix for prefix in ament_prefixes(ambient) if (prefix / marker).is_file()]


def _folders(ambient: Mapping[str, str], variable: str) -> list[Path]:
    return [Path(folder) for folder in ambient.get(variable, "").split(os.pathsep) if folder]
