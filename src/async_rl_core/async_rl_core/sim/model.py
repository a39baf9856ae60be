"""The robot's description: a URDF, and the meshes that it names."""

import importlib.metadata
import os
import re
import sysconfig
from pathlib import Path

from async_rl_core.config.load import config_folder
from async_rl_core.config.paths import user_path
from async_rl_core.config.schema import RobotConfig
from async_rl_core.errors import SimulationError

PACKAGE = "example-robot-data"
_URI = re.compile(r"package://([^/\"]+)/([^\"]+)")


def urdf_text(robot: RobotConfig) -> str:
    """The URDF as published in `robot_description`: mesh files stay `package://` URIs.

    Raises `SimulationError` where the model is not installed.
    """
    return model_file(robot.model).read_text()


def resolved_urdf_text(robot: RobotConfig) -> str:
    """The URDF with the absolute paths of its mesh files, for readers that know no ROS packages.

    Raises `SimulationError` where the model, or a file that it names, is not installed.
    """
    return _URI.sub(lambda uri: str(_shared_file(robot.model, uri[1], uri[2])), urdf_text(robot))


def model_file(model: str) -> Path:
    """The URDF that a robot's file names: an absolute path, a file beside the robots' files, or of example-robot-data.

    Of several, the one beside the robots' files goes first, then that of a sourced ROS 2.
    Raises `SimulationError` where there is none.
    """
    folders = [config_folder() / "robots"]
    folders += [folder for prefix in _prefixes() if (folder := prefix / "share" / PACKAGE / "robots").is_dir()]
    for folder in folders:
        path = folder / user_path(model)  # which an absolute path replaces
        if path.is_file():
            return path
    raise SimulationError(
        f"robot model {model} not found in {', '.join(map(str, folders))}; correct its path, or install it: "
        f"'pip install {PACKAGE}', or apt 'ros-<distro>-{PACKAGE}'"
    )


def _shared_file(model: str, package: str, name: str) -> Path:
    for prefix in _prefixes():
        path = prefix / "share" / package / name
        if path.is_file():
            return path
    raise SimulationError(f"robot model {model} names package://{package}/{name}, not found; install {package}")


def _prefixes() -> list[Path]:
    prefixes = [Path(p) for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    prefixes.append(Path("/opt/openrobots"))
    try:
        located = importlib.metadata.distribution(PACKAGE).locate_file("cmeel.prefix")
        prefixes.append(Path(str(located)))
    except importlib.metadata.PackageNotFoundError:
        prefixes.append(Path(sysconfig.get_paths()["purelib"]) / "cmeel.prefix")
    return prefixes
