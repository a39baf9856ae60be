"""Checks of the computer, each with a remedy for what is missing."""

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

from async_rl_core.bringup.checks.computer import cores, frequency, load, memory_lock, real_time
from async_rl_core.bringup.checks.finding import Finding, from_error
from async_rl_core.bringup.checks.preflight import MIN_DISK
from async_rl_core.bringup.checks.probe import Probe, run_probe
from async_rl_core.bringup.checks.variables import problems
from async_rl_core.bringup.graph import nodes
from async_rl_core.bringup.process.executable import find_executable
from async_rl_core.bringup.process.leftovers import SHARED_MEMORY
from async_rl_core.config.catalogue import presets, robots
from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.errors import AsyncRLError, ConfigError
from async_rl_core.replay.journal.journal import journal_bytes
from async_rl_core.ros_environment import ros_domain
from async_rl_core.run_folder.lock import DomainLock
from async_rl_core.run_folder.run_folder import RUNS, RunFolder
from async_rl_core.sim.model import model_file

MIN_PYTHON, MAX_PYTHON = (3, 11), (3, 13)  # from what MuJoCo needs to what the wheels are built for
MIN_SHARED_MEMORY = 256 * 2**20  # bytes: every preset's mini-batches and the middleware's segments


def examine(more: Sequence[Callable[[], Finding]] = (), out: TextIO | None = None) -> int:
    """Prints a table of all checks, each as it ends; returns 0 if nothing that is needed is missing.

    Args:
        more: checks that core cannot make, such as those of ROS 2.
        out: where to; standard output by default.
    """
    out = out or sys.stdout
    first = (python, variables, configuration, workspace, model)
    then = (cores, load, frequency, real_time, memory_lock, memory, shared_memory, transport, other_runs)
    worst = 0
    for make in (*first, *more, *then, renderer, gpu, cameras, run_folder, disk):
        check = _examined(make)
        worst += check.state == "missing"
        mark = {"fine": "fine  ", "could be better": "note  ", "missing": "FAILED"}[check.state]
        print(f"{mark}  {check.subject:<15} {check.finding}", file=out, flush=True)
        if check.remedy:
            print(f"{'':<24} -> {check.remedy}", file=out, flush=True)
    print("ready" if not worst else f"not ready: {worst} of the above must be corrected", file=out, flush=True)
    return 1 if worst else 0


def _examined(make: Callable[[], Finding]) -> Finding:
    """Returns the finding of a check; a check that fails gives a finding too."""
    try:
        return make()
    except Exception as error:  # the table continues whatever is wrong with this computer
        finding = " ".join(f"{type(error).__name__}: {error}".split())
        return Finding(make.__name__.replace("_", " "), "missing", finding, "report this line as a fault of async_rl")


def python() -> Finding:
    """Checks the interpreter's version."""
    version = ".".join(map(str, sys.version_info[:3]))
    if MIN_PYTHON <= sys.version_info[:2] <= MAX_PYTHON:
        return Finding("Python", "fine", f"{version}, {sys.executable}")
    allowed = " to ".join(f"{major}.{minor}" for major, minor in (MIN_PYTHON, MAX_PYTHON))
    return Finding("Python", "missing", version, f"install Python {allowed} and build again: make PYTHON=<path>")


def variables() -> Finding:
    """Environment variables with which a run cannot work."""
    found = [*problems(os.environ)]
    if not found:
        return Finding("environment", "fine", "no variable stands in the way")
    first = from_error("environment", "missing", ConfigError(found[0]))
    return replace(first, remedy="; ".join([first.remedy, *(f"also: {text}" for text in found[1:])]))


def configuration() -> Finding:
    """Checks that every preset resolves."""
    try:
        names = presets()
        for name in names:
            _resolved(name)
    except AsyncRLError as error:
        return Finding("configuration", "missing", str(error), "correct the file, or unset ASYNC_RL_CONFIG")
    return Finding("configuration", "fine", f"presets {', '.join(names)}")


def _resolved(preset: str) -> Config:
    """Returns a preset with the default robot, or else with one that its task is for. Raises `ConfigError`."""
    try:
        return resolve(preset)
    except ConfigError:
        for robot in robots():
            with suppress(ConfigError):
                return resolve(preset, {}, robot)
        raise


def workspace() -> Finding:
    """Checks that the executables of all nodes are installed."""
    try:
        specs = nodes(resolve(), RunFolder(RUNS).config)
        for spec in specs:
            find_executable(spec.package, spec.executable, os.environ)
    except AsyncRLError as error:
        return from_error("workspace", "missing", error)
    return Finding("workspace", "fine", f"{len(specs)} nodes installed")


def model() -> Finding:
    """Checks that the robot's description can be read."""
    try:
        robot = resolve().robot
        return Finding("robot model", "fine", str(model_file(robot.model)))
    except AsyncRLError as error:
        return Finding("robot model", "missing", str(error), "pip install example-robot-data")


def memory() -> Finding:
    """Main memory against the frames that each preset stores."""
    available = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    large = []
    try:
        for name in presets():
            config = _resolved(name)
            if config.replay.capacity * config.camera.width * config.camera.height * 3 > 0.8 * installed:
                large.append(name)
    except AsyncRLError:  # reported by configuration()
        pass
    finding = f"{_gib(installed)} ({_gib(available)} unused)"
    if not large:
        return Finding("memory", "fine", finding)
    advice = f"lower replay.capacity before a long run of {', '.join(large)}"
    return Finding("memory", "could be better", finding, advice)


def shared_memory() -> Finding:
    """Room for mini-batches between processes."""
    try:
        free = shutil.disk_usage(SHARED_MEMORY).free
    except OSError as error:
        return Finding("shared memory", "missing", f"{SHARED_MEMORY}: {error.strerror}", "mount a tmpfs there")
    if free >= MIN_SHARED_MEMORY and os.access(SHARED_MEMORY, os.W_OK):
        return Finding("shared memory", "fine", f"{_gib(free)} free in {SHARED_MEMORY}")
    return Finding(
        "shared memory", "missing", f"{_gib(free)} free in {SHARED_MEMORY}", "docker run --shm-size=1g, or remount it"
    )


def transport() -> Finding:
    """Makes and drops a service of iceoryx2."""
    found = run_probe(Probe.TRANSPORT)
    if found.works:
        return Finding("iceoryx2", "fine", found.text)
    return Finding("iceoryx2", "missing", found.text, "pip install iceoryx2, and make /dev/shm and /tmp writable")


def other_runs() -> Finding:
    """Checks that this ROS domain is free."""
    try:
        number = ros_domain(os.environ)
        DomainLock(number).close()
    except AsyncRLError as error:
        return from_error("ROS domain", "could be better", error)
    return Finding("ROS domain", "fine", f"{number} is free")


def renderer() -> Finding:
    """Checks how the camera is drawn with renderer:=auto."""
    found = run_probe(Probe.RENDERER)
    if not found.works:
        return Finding("camera images", "missing", found.text, "pip install mujoco")
    name, _, reason = found.text.partition(" ")
    if name == "gl":
        return Finding("camera images", "fine", "drawn with OpenGL")
    return Finding("camera images", "fine", f"drawn by ray casting, without OpenGL ({reason})")


def gpu() -> Finding:
    """Checks that torch imports, and on which device it computes."""
    found = run_probe(Probe.TORCH)
    if not found.works:
        return Finding("torch", "missing", found.text, "pip install torch")
    return Finding("torch", "fine", found.text)


def cameras() -> Finding:
    """Video devices, of which the simulation needs none."""
    devices = sorted(str(path) for path in Path("/dev").glob("video*"))
    return Finding("cameras", "fine", ", ".join(devices) or "none found (the simulation needs none)")


def run_folder() -> Finding:
    """Checks that a run can write its folder."""
    folder = RUNS if RUNS.exists() else Path.cwd()
    try:
        with TemporaryDirectory(prefix=".async_rl_doctor_", dir=folder) as made:
            (Path(made) / "file").write_bytes(b"written")
    except OSError as error:
        finding = f"{folder.absolute()}: {error.strerror}"
        return Finding("run folder", "missing", finding, "name a folder that you may write: run_dir:=<folder>")
    return Finding("run folder", "fine", f"{RUNS.absolute()} can be written")


def disk() -> Finding:
    """Room for the run folder of the default preset, its journal included."""
    folder = RUNS if RUNS.exists() else Path.cwd()
    free = shutil.disk_usage(folder).free
    config = resolve()
    full = MIN_DISK + (journal_bytes(config) if config.replay.journal else 0)
    finding = f"{_gib(free)} free in {folder.absolute()}"
    advice = "free some, or name a folder on another disk: run_dir:=<folder>"
    if free < MIN_DISK:
        return Finding("disk", "missing", finding, advice)
    if free < full:
        return Finding("disk", "could be better", f"{finding}; a full-length run writes {_gib(full)}", advice)
    return Finding("disk", "fine", f"{finding}; a full-length run writes {_gib(full)}")


def _gib(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"
