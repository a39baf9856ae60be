"""Makes .venv from requirements.lock."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from machine import MissingError, find_python, missing_for_venv, missing_tools, probe, require, say

# Taken from a sourced ROS 2, where it has them: its cv_bridge is compiled against its NumPy and its OpenCV.
FROM_ROS = {"numpy": "numpy", "opencv-python-headless": "cv2"}
OPTIONAL = "# optional"  # ends the lines of the lock that only some robots need, and not every machine can have
# Imported once at the end: says early that something is broken, and compiles what every start would have to compile.
USED = "rclpy, torch, numba, mujoco, pinocchio, cv2, matplotlib.pyplot, pydantic, iceoryx2, safetensors, av, pytest"


def run(command: list[str], log: Path, what: str) -> None:
    """Run a command with its output in `log`; raises `MissingError` with the end of the log where it fails."""
    log.parent.mkdir(exist_ok=True)
    with log.open("w") as output:
        code = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=False
        ).returncode
    if code != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-25:])
        raise MissingError(f"{what} failed with exit code {code}; the end of {log}:\n{tail}")


def locked(lock: Path, python: str, ros: str | None) -> tuple[list[str], list[str]]:
    """The lock's lines: those to install as they stand, and torch, whose CUDA build brings packages of its own."""
    lines = [line for line in lock.read_text().splitlines() if line and not line.startswith("#")]
    lines = [line for line in lines if not line.endswith(OPTIONAL)]
    if ros:
        present = [name for name, module in FROM_ROS.items() if probe(python, f"import {module}") is not None]
        lines = [line for line in lines if not line.startswith("ros-") and line.split("==")[0] not in present]
    torch = [line for line in lines if line.startswith("torch==")]
    return [line for line in lines if line not in torch], torch


def make_venv(root: Path, venv: Path, lock: Path, ros: str | None) -> None:
    """Make `venv` anew, with every package of `lock`; `ros` names the sourced ROS 2, None stands for the wheels."""
    python = (os.environ.get("PYTHON") or "python3") if ros else find_python()
    require(missing_for_venv(python, root) + missing_tools(python))
    version = probe(python, "import platform; print(platform.python_version())")
    say(f"making {venv.name} with Python {version} and ROS 2 {ros.title() + ' as sourced' if ros else 'Kilted wheels'}")
    shutil.rmtree(venv, ignore_errors=True)
    options = ["--system-site-packages"] if ros else []
    run([python, "-m", "venv", *options, str(venv)], root / "log" / "venv.log", "making the virtual environment")
    pinned, torch = locked(lock, python, ros)
    requirements = venv / "requirements.txt"
    requirements.write_text("\n".join(pinned) + "\n")
    say(f"installing {len(pinned) + len(torch)} pinned packages, about 3 GB (details: log/pip.log)")
    pip = [str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    pip += ["--no-compile", "--no-warn-script-location", "--prefer-binary"]
    run([*pip, "--no-deps", "-r", str(requirements)], root / "log" / "pip.log", "installing requirements.lock")
    run([*pip, "-c", str(requirements), *torch], root / "log" / "pip-torch.log", "installing torch")
    install_optional(pip, lock, root / "log" / "pip-optional.log")
    if ros:
        link_ros(venv, python)
    else:
        rewrite_build_paths(venv)


def install_optional(pip: list[str], lock: Path, log: Path) -> None:
    """Install what only some robots need, where this machine can have it."""
    lines = [line.split("#")[0].strip() for line in lock.read_text().splitlines() if line.endswith(OPTIONAL)]
    try:
        run([*pip, "--no-deps", *lines], log, "installing optional packages")
    except MissingError:
        say(f"left out: {', '.join(lines)}, which cannot be had here (details: log/{log.name})")


def check_imports(launcher: Path, log: Path) -> None:
    """Import everything that the suite uses, in the environment that the suite runs in."""
    say("checking that the packages import")
    run([str(launcher), "python", "-c", f"import {USED}"], log, f"importing {USED}")


def link_ros(venv: Path, python: str) -> None:
    """Where the sourced ROS 2 lives in a virtual environment, which ours cannot inherit, add its folder by hand."""
    ours = str(venv / "bin" / "python")
    if probe(ours, "import rclpy") is not None:
        return
    packages = probe(python, "import pathlib, rclpy; print(pathlib.Path(rclpy.__file__).parents[1])")
    site = probe(ours, "import sysconfig; print(sysconfig.get_path('purelib'))")
    if not packages or not site:
        raise MissingError(f"{python} and {ours} do not run; check them, then try again")
    Path(site, "ros.pth").write_text(packages + "\n")


def rewrite_build_paths(venv: Path) -> None:
    """The wheels' CMake files name folders of the machine that built them; name this environment's instead."""
    python = str(venv / "bin" / "python")
    include = probe(python, "import sysconfig; print(sysconfig.get_path('include'))")
    numpy = probe(python, "import numpy; print(numpy.get_include())")
    version = probe(python, "import sys; print('{}.{}'.format(*sys.version_info[:2]))")
    if not include or not numpy or not version:
        raise MissingError(f"{python} cannot import numpy; remove {venv} and try again")
    built = "/opt/python/cp{0}-cp{0}".format(version.replace(".", ""))
    for path in (venv / "share").glob("*/cmake/*.cmake"):
        text = path.read_text()
        new = text.replace(f"{built}/lib/python{version}/site-packages/numpy/_core/include", numpy)
        new = new.replace(f"{built}/include/python{version}", include)
        if new != text:
            path.write_text(new)
