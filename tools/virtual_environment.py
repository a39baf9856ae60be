"""Makes .venv, and brings it to what requirements.lock and requirements-test.lock name."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Sequence

from atomic_text import write_atomically
from environment import describes, write_environment
from lockfile import CUDA, GPU, OPTIONAL, TORCH, conflicting, installed, lacking, name_of, read_lock, without_ros
from machine import (
    DISK_GB,
    MissingError,
    find_python,
    has_nvidia_gpu,
    missing_for_venv,
    missing_tools,
    probe,
    python_version,
    require,
    say,
)
from progress import PipStage, Stage, run

PIP = ["-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--no-deps", "--no-compile"]
PIP += ["--no-warn-script-location", "--prefer-binary", "--progress-bar", "off"]


def is_ours(root: Path, venv: Path, ros: str | None) -> bool:
    """Returns whether `venv` was made for this checkout, this ROS 2 and the requested version of Python."""
    if not describes(root, venv, ros):
        return False
    asked = os.environ.get("PYTHON")
    return not asked or python_version(asked) == python_version(str(venv / "bin" / "python"))


def has_pip(venv: Path) -> bool:
    """Returns whether packages can be added to `venv`: it may lack its interpreter, or be half made."""
    return probe(str(venv / "bin" / "python"), "import pip") is not None


def make_venv(root: Path, venv: Path, ros: str | None) -> None:
    """Makes an empty `venv`; `ros` names the sourced ROS 2, None stands for the wheels."""
    python = (os.environ.get("PYTHON") or "python3") if ros else find_python()
    require(missing_for_venv(python, root, torch_kind()) + missing_tools(python))
    version = probe(python, "import platform; print(platform.python_version())")
    say(
        f"1 of 4: {venv.name} with Python {version} and ROS 2 {ros.title() + ' as sourced' if ros else 'Kilted wheels'}"
    )
    shutil.rmtree(venv, ignore_errors=True)
    options = ["--system-site-packages"] if ros else []
    stage = Stage("making the virtual environment")
    run([python, "-m", "venv", *options, str(venv)], root / "log" / "venv.log", stage)
    if ros:
        link_ros(venv, python)
    write_environment(root, venv, ros)


def torch_kind(venv: Path | None = None) -> str:
    """Returns a key of `DISK_GB`: which PyTorch `venv` holds; before it holds one, which one to expect."""
    version = installed(venv).get(TORCH, "") if venv else ""
    if "+cpu" in version or (not version and os.environ.get("TORCH_INDEX", "").rstrip("/").endswith("/cpu")):
        return "cpu"
    return GPU if has_nvidia_gpu() else CUDA


def install(root: Path, venv: Path, locks: Sequence[Path], ros: str | None) -> None:
    """Installs what `venv` lacks of the locks, PyTorch first; leave everything else there alone."""
    groups = [read_lock(lock) for lock in locks]
    pins = [pin for group in groups for pin in group[""]]
    if ros:
        pins = without_ros(pins, os.environ.get("PYTHON") or "python3")
    torch = [pin for pin in pins if name_of(pin) == TORCH]
    if lacking(torch, installed(venv)):
        say(f"2 of 4: PyTorch, then the other packages (details: {root / 'log'}/pip*.log)")
        index = os.environ.get("TORCH_INDEX")
        pip(root, venv, [*(["--index-url", index] if index else []), *torch], torch, "installing PyTorch")
    if old := conflicting(installed(venv)):
        uninstall(root, venv, old)
    kind = torch_kind(venv)
    pins += [pin for group in groups for name in _needed(kind) for pin in group[name]]
    missing = lacking(pins, installed(venv))
    if missing:
        say(_announcement(kind, len(missing), whole=len(missing) > len(pins) / 2))
        pip(root, venv, missing, missing, "installing packages")
        if not ros:
            rewrite_build_paths(venv)
    _install_optional(root, venv, [pin for group in groups for pin in group[OPTIONAL]])


def _needed(kind: str) -> list[str]:
    """Returns the groups of the lock that a PyTorch of this kind needs."""
    return {"cpu": [], CUDA: [CUDA], GPU: [CUDA, GPU]}[kind]


def _announcement(kind: str, count: int, whole: bool) -> str:
    if not whole:
        return f"2 of 4: {count} packages that were not there, or in another version"
    size = f"2 of 4: {count} packages; the set-up takes {DISK_GB[kind]:g} GB of disk in all"
    if kind != CUDA:
        return size
    more = DISK_GB[CUDA] - DISK_GB["cpu"]
    return (
        f"{size}\n[setup]   {more:.1f} GB of them are CUDA libraries, which PyTorch loads although this machine has no "
        "NVIDIA GPU.\n[setup]   To do without them: make clean, then make build TORCH_INDEX=<url>; PyTorch's "
        "installation page names the index for CPU"
    )


def pip(root: Path, venv: Path, words: Sequence[str], pins: Sequence[str], what: str) -> None:
    """Runs pip's install in `venv`, showing how far it is; raises `MissingError` where it fails."""
    log = root / "log" / f"pip{'-torch' if what.endswith('PyTorch') else ''}.log"
    run([str(venv / "bin" / "python"), *PIP, *words], log, PipStage(what, len(pins)))


def uninstall(root: Path, venv: Path, names: Sequence[str]) -> None:
    """Removes packages from `venv`; raises `MissingError` where that fails."""
    command = [str(venv / "bin" / "python"), *PIP[:4], "uninstall", "--yes", *names]
    run(command, root / "log" / "pip-uninstall.log", Stage(f"removing {', '.join(names)}"))


def _install_optional(root: Path, venv: Path, pins: list[str]) -> None:
    """Installs what only some robots need, where this machine can have it."""
    missing = lacking(pins, installed(venv))
    if not missing:
        return
    log = root / "log" / "pip-optional.log"
    try:
        run([str(venv / "bin" / "python"), *PIP, *missing], log, PipStage("installing optional packages", len(missing)))
    except MissingError:
        say(f"  left out: {', '.join(missing)}, which cannot be had here (only Franka arms need them; see {log})")


def link_ros(venv: Path, python: str) -> None:
    """Adds the folder of a sourced ROS 2 that is in another virtual environment, which .venv cannot inherit."""
    ours = str(venv / "bin" / "python")
    if probe(ours, "import rclpy") is not None:
        return
    packages = probe(python, "import pathlib, rclpy; print(pathlib.Path(rclpy.__file__).parents[1])")
    site = probe(ours, "import sysconfig; print(sysconfig.get_path('purelib'))")
    if not packages or not site:
        raise MissingError(f"{python} and {ours} do not run; check them, then try again")
    Path(site, "ros.pth").write_text(packages + "\n", encoding="utf-8")


def rewrite_build_paths(venv: Path) -> None:
    """Replaces the folders of the build machine in the wheels' CMake files by this environment's."""
    python = str(venv / "bin" / "python")
    include = probe(python, "import sysconfig; print(sysconfig.get_path('include'))")
    numpy = probe(python, "import numpy; print(numpy.get_include())")
    version = probe(python, "import sys; print('{}.{}'.format(*sys.version_info[:2]))")
    if not include or not numpy or not version:
        raise MissingError(f"{python} cannot import numpy; remove {venv} and try again")
    built = "/opt/python/cp{0}-cp{0}".format(version.replace(".", ""))
    for path in (venv / "share").glob("*/cmake/*.cmake"):
        text = path.read_text(encoding="utf-8")
        new = text.replace(f"{built}/lib/python{version}/site-packages/numpy/_core/include", numpy)
        new = new.replace(f"{built}/include/python{version}", include)
        if new != text:
            write_atomically(path, new)  # the file may be a hard link that other environments share
