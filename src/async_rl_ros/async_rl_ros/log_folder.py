"""The folder of ROS's log files, which is optional for a node."""

import tempfile
from collections.abc import Mapping
from pathlib import Path


def log_arguments(environment: Mapping[str, str]) -> list[str]:
    """Returns ROS arguments that switch off log files where they cannot be written; `rclpy.init` would fail there."""
    try:
        folder = _folder(environment)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            file.write(b"\n")
    except (OSError, KeyError):
        return ["--ros-args", "--disable-external-lib-logs"]
    return []


def _folder(environment: Mapping[str, str]) -> Path:
    """Returns the folder of rcl_logging. Raises `KeyError` where no variable defines it."""
    if chosen := environment.get("ROS_LOG_DIR"):
        return Path(chosen)
    if home := environment.get("ROS_HOME"):
        return Path(home) / "log"
    return Path(environment["HOME"]) / ".ros" / "log"
