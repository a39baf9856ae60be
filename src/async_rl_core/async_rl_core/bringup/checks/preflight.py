"""Checks before a run starts, so that no run starts halfway."""

import os
import shutil
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from async_rl_core.bringup.checks.display import unreachable
from async_rl_core.bringup.checks.hardware import check_camera, check_robot
from async_rl_core.bringup.checks.variables import check_variables
from async_rl_core.bringup.graph import NodeSpec, included, nodes
from async_rl_core.bringup.process.executable import find_executable
from async_rl_core.bringup.process.leftovers import SHARED_MEMORY
from async_rl_core.bringup.secure import check_secure
from async_rl_core.config.load import write_config
from async_rl_core.config.schema import Config
from async_rl_core.errors import ConfigError
from async_rl_core.replay.journal.journal import journal_bytes
from async_rl_core.ros_environment import ros_domain
from async_rl_core.run_folder.lock import DomainLock
from async_rl_core.run_folder.run_folder import RUNS, RunFolder
from async_rl_core.sim.model import resolved_urdf, urdf_text
from async_rl_core.spec.batch import BatchLayout
from async_rl_core.transport.shared_memory import service
from async_rl_core.transport.shared_memory.batches import held
from async_rl_core.transport.shared_memory.steps import StepLayout

"""The folder of new runs, unless `run_dir` names another."""
MIN_DISK = 500 * 2**20
"""Bytes that the run folder's disk must have free: checkpoints, videos and events of a long run."""

_OTHER_SEGMENTS = 64 * 2**20  # bytes of the other services and of the middleware


def check(config: Config, ambient: Mapping[str, str]) -> DomainLock:
    """Takes the domain's lock and checks everything that a run needs, without creating anything.

    Raises:
        ConfigError, TransportError or SimulationError: one line that says what is missing and what to do.
    """
    check_variables(ambient)
    number = ros_domain(ambient)
    lock = DomainLock(number)
    try:
        check_robot(config, ambient)
        check_camera(config, ambient)
        check_executables(nodes(config, RunFolder(RUNS).config), ambient)
        if config.secure:
            check_secure(nodes(config, RunFolder(RUNS).config), included(config) is not None, ambient)
        _check_model(config)
        check_screens(config, ambient)
        _check_shared_memory(config)
        service.clean_up_dead(str(number))
        if occupied := service.in_use(str(number)):
            raise ConfigError(f"shared memory is in use: {occupied[0]}; stop that, or set another ROS_DOMAIN_ID")
    except BaseException:
        lock.close()
        raise
    return lock


def create_run_folder(config: Config, now: datetime) -> Config:
    """Makes the run's folder, writes its `config.yaml`, and returns the configuration with the folder's path.

    Raises `ConfigError` where the folder holds something already, cannot be written, or its disk is full.
    """
    folder = (config.run_dir or RUNS).absolute()
    try:
        if config.run_dir is None:
            folder = RunFolder.new(f"{config.task}-{config.preset}", now).path.absolute()
        if folder.is_dir() and any(folder.iterdir()):
            again = f"resume that run with resume:={folder}, or " if RunFolder(folder).config.exists() else ""
            raise ConfigError(f"run folder {folder} is not empty; {again}choose another folder with run_dir:=<folder>")
        check_disk(config, folder)
        folder.mkdir(parents=True, exist_ok=True)
        config = config.model_copy(update={"run_dir": folder})
        write_config(config, RunFolder(folder).config)
    except OSError as error:
        reason = error.strerror or error
        raise ConfigError(f"run folder {folder}: {reason}; choose another with run_dir:=<folder>") from None
    return config


def check_disk(config: Config, folder: Path) -> None:
    """Raises `ConfigError` if the disk of a run's folder, which need not be there yet, is too full for the run."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free < MIN_DISK:
        raise ConfigError(
            f"run folder {folder}: {_size(free)} free, {_size(MIN_DISK)} needed; free some, or set run_dir"
        )
    if not config.learns or not config.replay.journal:
        return
    stored = sum(path.stat().st_size for path in RunFolder(folder).journal.glob("*"))
    needed = MIN_DISK + journal_bytes(config) - stored
    if free < needed:
        raise ConfigError(
            f"run folder {folder}: replay.capacity {config.replay.capacity} at {config.camera.width}x"
            f"{config.camera.height} needs {_size(needed)} of disk for its journal, {_size(free)} are free; free some, "
            "set run_dir to another disk, or use a preset with replay.journal: false or a smaller replay.capacity"
        )


def check_executables(specs: Iterable[NodeSpec], ambient: Mapping[str, str]) -> None:
    """Raises `ConfigError` where one of the nodes is not installed."""
    for spec in specs:
        try:
            find_executable(spec.package, spec.executable, ambient)
        except ConfigError:
            if spec.package != "rviz2":
                raise
            raise ConfigError(
                "rviz:=true, but rviz2 is not installed; install ROS 2's rviz2, or leave rviz out"
            ) from None


def check_screens(config: Config, ambient: Mapping[str, str]) -> None:
    """Raises `ConfigError` where something is to be shown and there is no screen."""
    if ambient.get("WAYLAND_DISPLAY"):
        return
    display = ambient.get("DISPLAY")
    problem = "DISPLAY is not set" if not display else unreachable(display)
    if problem is None:
        return
    for name, wanted in (("display", config.display), ("rviz", config.rviz)):
        if wanted:
            raise ConfigError(f"{name}:=true, but {problem}; start from a desktop session, or leave {name} out")


def _check_model(config: Config) -> None:
    """Raises `SimulationError` where the robot's description cannot be read, or lacks a mesh that is simulated."""
    urdf_text(config.robot)
    if config.hardware == "sim" or config.camera_topic is None:
        resolved_urdf(config.robot)


def _check_shared_memory(config: Config) -> None:
    if config.architecture == "seq" or not config.learns:
        return
    steps = StepLayout.from_config(config)
    batches = held(config.learner.batches_in_flight)
    needed = batches * BatchLayout.from_config(config).nbytes + steps.buffered * steps.nbytes + _OTHER_SEGMENTS
    free = os.statvfs(SHARED_MEMORY).f_bavail * os.statvfs(SHARED_MEMORY).f_frsize
    if free < needed:
        raise ConfigError(
            f"{SHARED_MEMORY} has {_size(free)} free, mini-batches and steps of this preset need {_size(needed)}; "
            "enlarge it (docker run --shm-size=1g), or choose a smaller preset"
        )


def _size(count: int) -> str:
    return f"{count / 2**20:.0f} MiB"
