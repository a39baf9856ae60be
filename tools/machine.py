"""Checks of this computer: interpreter, sourced ROS 2, compilers, disk."""

from __future__ import annotations

import os
import platform
import shutil
import string
import subprocess
import sys
from pathlib import Path

PYTHONS = ((3, 11), (3, 12), (3, 13))
ROS_DISTROS = ("jazzy", "kilted")
DISK_GB = {"cpu": 3.0, "cuda": 6.0, "gpu": 7.0}
"""Disk that .venv, build/ and install/ take: PyTorch without CUDA; with CUDA, but no NVIDIA GPU; with CUDA and a GPU.
The README says the same."""
ALLOWED_IN_PATH = frozenset(string.ascii_letters + string.digits + "/._-")  # others break make, CMake or rosidl
MAX_PATH = 180  # bytes: the kernel reads at most 255 of the first line of a script, which names .venv's Python
COMPILERS = {"gcc": ("cc", "gcc", "clang"), "g++": ("c++", "g++", "clang++"), "make": ("make",)}
HEADER = "import os, sysconfig; print(os.path.exists(os.path.join(sysconfig.get_path('include'), 'Python.h')))"


class MissingError(Exception):
    """Something that the set-up needs is missing; the message says what to do."""


def say(text: str) -> None:
    print(f"[setup] {text}", flush=True)


def probe(python: str, code: str) -> str | None:
    """Returns what `python` prints for `code`; None if it cannot be run or fails."""
    try:
        result = subprocess.run(
            [python, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() if result.returncode == 0 else None


def python_version(python: str) -> tuple[int, ...] | None:
    """(major, minor) of an interpreter; None where it does not run."""
    version = probe(python, "import sys; print(*sys.version_info[:2])")
    return tuple(map(int, version.split())) if version else None


def find_python() -> str:
    """Returns the interpreter for the environment: $PYTHON, else python3, else one with its version in its name."""
    asked = os.environ.get("PYTHON")
    names = [asked] if asked else ["python3", *(f"python{major}.{minor}" for major, minor in PYTHONS)]
    seen = []
    for name in names:
        version = python_version(name)
        if version in PYTHONS:
            return name
        if version:
            seen.append(f"{name} is {'.'.join(map(str, version))}")
    allowed = ", ".join(f"{major}.{minor}" for major, minor in PYTHONS)
    raise MissingError(
        f"no Python {allowed} found ({'; '.join(seen) or 'none of ' + ', '.join(names) + ' runs'}); install one "
        "(pyenv, conda and uv need no root) or say where one is: make PYTHON=/path/to/python3.12"
    )


def sourced_ros() -> str | None:
    """Returns the name of the sourced ROS 2 to build on; None if the wheels are used."""
    distro = os.environ.get("ROS_DISTRO", "")
    python = os.environ.get("PYTHON") or "python3"
    if not distro:
        return None
    if distro not in ROS_DISTROS:
        say(f"the sourced ROS 2 is {distro}, not {' or '.join(ROS_DISTROS)}: using ROS 2 Kilted from wheels")
    elif probe(python, "import rclpy") is None:
        say(f"ROS_DISTRO is {distro}, but {python} cannot import rclpy: using ROS 2 Kilted from wheels")
    else:
        return distro
    return None


def missing_tools(python: str) -> list[str]:
    """Returns what a build needs and is missing, each with a remedy."""
    missing = []
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        missing.append(f"Linux on x86_64; this is {sys.platform} on {platform.machine()}")
    for package, names in COMPILERS.items():
        if not any(map(shutil.which, names)):
            missing.append(f"{' or '.join(names)} (Debian, Ubuntu: apt install {package})")
    if probe(python, HEADER) != "True":
        missing.append(f"the C headers of {python} (Debian, Ubuntu: apt install python3-dev)")
    return missing


def has_nvidia_gpu() -> bool:
    """Returns whether this machine has an NVIDIA GPU with its driver; $TORCH_GPU=yes or no overrides that."""
    asked = os.environ.get("TORCH_GPU", "").lower()
    if asked not in ("", "yes", "no"):
        raise MissingError(f"TORCH_GPU is '{asked}'; set it to yes or no, or unset it")
    found = Path("/proc/driver/nvidia/version").exists() or Path("/usr/lib/wsl/lib/nvidia-smi").exists()
    return asked == "yes" or (not asked and (found or shutil.which("nvidia-smi") is not None))


def unusable_path(root: Path) -> str | None:
    """Returns why the build cannot work in a checkout at `root`; None if it can."""
    odd = sorted({character for character in str(root) if character not in ALLOWED_IN_PATH})
    if odd:
        shown = ", ".join("a space" if character == " " else character for character in odd)
        return f"the checkout's path {str(root)!r} contains {shown}; move it to one of A-Z, a-z, 0-9, '.', '_' and '-'"
    length = len(os.fsencode(str(root)))
    if length > MAX_PATH:
        return f"the checkout's path {str(root)!r} has {length} bytes; move it to one of at most {MAX_PATH}"
    return None


def missing_for_venv(python: str, root: Path, kind: str) -> list[str]:
    """Returns what a virtual environment at `root` needs and is missing; `kind` is a key of `DISK_GB`."""
    missing = []
    if probe(python, "import venv, ensurepip") is None:
        missing.append(f"the venv module of {python} (Debian, Ubuntu: apt install python3-venv)")
    free = shutil.disk_usage(root).free / 1e9
    if free < DISK_GB[kind]:
        less = "" if kind == "cpu" else f"; less with TORCH_INDEX, without CUDA: {DISK_GB['cpu']:g} GB (README.md)"
        missing.append(f"{DISK_GB[kind]:g} GB of free disk at {root}; {free:.1f} are free{less}")
    return missing


def require(missing: list[str]) -> None:
    """Raises one `MissingError` that names everything missing."""
    if missing:
        raise MissingError("missing on this machine:\n" + "\n".join(f"  - {item}" for item in missing))
