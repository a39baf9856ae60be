"""The robot's description: a URDF of example-robot-data with its meshes."""

import importlib.metadata
import os
import re
import sysconfig
from pathlib import Path

from async_rl_core.config.schema import RobotConfig
from async_rl_core.errors import SimulationError

PACKAGE = "example-robot-data"
_SHARE = Path("share") / PACKAGE / "robots"
_URI = re.compile(rf"package://{PACKAGE}/robots/")


def urdf_text(robot: RobotConfig) -> str:
    """The URDF as published in `robot_description`: mesh files stay `package://` URIs.

    Raises `SimulationError` where the model is not installed.
    """
    return (robots_folder(robot.model) / robot.model).read_text()


def resolved_urdf_text(robot: RobotConfig) -> str:
    """The URDF with the absolute paths of its mesh files, for readers that know no ROS packages."""
    folder = robots_folder(robot.model)
    return _URI.sub(f"{folder}/", (folder / robot.model).read_text())


def robots_folder(model: str) -> Path:
    """The robots folder that holds `model`; a sourced ROS 2 goes before the Python environment."""
    searched = _candidates()
    for folder in searched:
        if (folder / model).is_file():
            return folder
    places = ", ".join(map(str, searched)) or "nowhere (no installation found)"
    raise SimulationError(
        f"robot model {model} not found in {places}; install it: "
        f"'pip install {PACKAGE}', or apt 'ros-<distro>-{PACKAGE}'"
    )


def _candidates() -> list[Path]:
    prefixes = [Path(p) for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    prefixes.append(Path("/opt/openrobots"))
    try:
        located = importlib.metadata.distribution(PACKAGE).locate_file("cmeel.prefix")
        prefixes.append(Path(str(located)))
    except importlib.metadata.PackageNotFoundError:
        prefixes.append(Path(sysconfig.get_paths()["purelib"]) / "cmeel.prefix")
    return [prefix / _SHARE for prefix in prefixes if (prefix / _SHARE).is_dir()]
