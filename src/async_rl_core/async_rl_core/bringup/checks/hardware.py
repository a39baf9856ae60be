"""Checks of a robot, its camera and their drivers before a run starts."""

import importlib.metadata
import socket
from collections.abc import Mapping
from pathlib import Path

from async_rl_core.bringup.graph import included
from async_rl_core.config.schema import Config
from async_rl_core.errors import ConfigError
from async_rl_core.ros_environment import prefixes_of


def check_robot(config: Config, ambient: Mapping[str, str]) -> None:
    """Raises `ConfigError`: one line with what is missing and a remedy."""
    if config.robot_ip is not None:
        _check_address(config.robot_ip)
    driver = config.robot_driver
    if driver is None:
        return
    if driver.via == "node":
        simulator = driver.simulator if config.hardware == "sim" else None
        needed = (*driver.requires, *(simulator.requires if simulator else ()))
        _check_distributions(needed, f"robot '{config.robot.name}'")
    else:
        _check_package(driver.package, "hardware:=real", ambient)


def check_camera(config: Config, ambient: Mapping[str, str]) -> None:
    """Raises `ConfigError`: one line with what is missing and a remedy."""
    driver = config.camera_driver
    if driver is None:
        return
    source = config.camera.source
    _check_package(driver.package, f"camera:={source}", ambient)
    if driver.device is not None and not Path(driver.device).exists():
        raise ConfigError(
            f"camera:={source}: {driver.device} is not there; connect the camera, or name another device in a preset: "
            f"camera: {{drivers: {{{source}: {{device: /dev/video2}}}}}}"
        )


def require_no_launch_file(config: Config) -> None:
    """Raises `ConfigError` where a launch file drives the arm, which only ROS 2's launch can start."""
    if (driver := included(config)) is not None:
        raise ConfigError(
            f"{driver.package} is started by its own launch file, which needs ROS 2's launch; use "
            "'ros2 launch async_rl <task>.launch.py' with the same arguments"
        )


def _check_address(address: str) -> None:
    try:
        socket.getaddrinfo(address, None)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"argument robot_ip: no host is known as '{address}' ({reason}); correct the address"
        ) from None


def _check_distributions(names: tuple[str, ...], who: str) -> None:
    missing = []
    for name in names:
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        raise ConfigError(
            f"{who} needs {', '.join(missing)}, not installed; 'pip install {' '.join(missing)}' (where pip finds "
            "none, there is none for this Python or this system)"
        )


def _check_package(name: str, who: str, ambient: Mapping[str, str]) -> None:
    if not prefixes_of(name, ambient):
        raise ConfigError(
            f"{who} needs the ROS package {name}, not found; install ROS 2 with it "
            f"('apt install ros-<distro>-{name.replace('_', '-')}', or build it) and source its setup.bash"
        )
