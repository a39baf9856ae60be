"""The folder of ROS's log files, which a node can do without."""

import tempfile
from collections.abc import Mapping
from pathlib import Path


def log_arguments(environment: Mapping[str, str]) -> list[str]:
    """ROS arguments that switch log files off where they cannot be written; `rclpy.init` would end the node there."""
    try:
        folder = _folder(environment)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            file.write(b"\n")
    except (OSError, KeyError):
        return ["--ros-args", "--disable-external-lib-logs"]
    return []


def _folder(environment: Mapping[str, str]) -> Path:
    """Where rcl_logging would write. Raises `KeyError` where no variable says so."""
    if chosen := environment.get("ROS_LOG_DIR"):
        return Path(chosen)
    if home := environment.get("ROS_HOME"):
        return Path(home) / "log"
    return Path(environment["HOME"]) / ".ros" / "log"
