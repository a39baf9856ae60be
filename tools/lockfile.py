"""Reads requirements.lock and requirements-test.lock, and what an environment holds of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Iterable

from machine import probe

# Taken from a sourced ROS 2, where it has them: its cv_bridge is compiled against its NumPy and its OpenCV.
FROM_ROS = {"numpy": "numpy", "opencv-python-headless": "cv2"}

TORCH = "torch"
"""Installed first, by itself: whether it comes with CUDA decides what else is needed."""

REPLACED = {"pygame": "pygame-ce"}
"""By package that an older lock named, the one that replaces it. Both install the same module: never keep both."""

OPTIONAL, CUDA, GPU = "optional", "cuda", "gpu"
"""Groups of a lock, named at the end of a line; requirements.lock explains them."""


def read_lock(path: Path) -> dict[str, list[str]]:
    """Returns the pins (`name==version`) of a lock, by group; those of no group are under ""."""
    groups: dict[str, list[str]] = {"": [], OPTIONAL: [], CUDA: [], GPU: []}
    for line in path.read_text(encoding="utf-8").splitlines():
        pin, _, group = line.partition("#")
        if pin.strip():
            groups[group.strip()].append(pin.strip())
    return groups


def name_of(pin: str) -> str:
    """Returns the name of a pinned package, as Python compares them."""
    return re.sub(r"[-_.]+", "-", pin.split("==")[0]).lower()


def without_ros(pins: Iterable[str], python: str) -> list[str]:
    """Returns the pins without those that a sourced ROS 2, which `python` imports, brings along."""
    present = [name for name, module in FROM_ROS.items() if probe(python, f"import {module}") is not None]
    return [pin for pin in pins if not pin.startswith("ros-") and name_of(pin) not in present]


def installed(venv: Path) -> dict[str, str]:
    """Versions of the packages in `venv`, by name; a package that was not installed to its end is not among them."""
    found = {}
    for record in venv.glob("lib/python3.*/site-packages/*.dist-info/RECORD"):
        name, _, version = record.parent.name[: -len(".dist-info")].rpartition("-")
        found[name_of(name)] = version
    return found


def lacking(pins: Iterable[str], present: dict[str, str]) -> list[str]:
    """Returns the pins that `present` lacks in their version; a local version such as `+cpu` is the same version."""
    return [pin for pin in pins if present.get(name_of(pin), "").split("+")[0] != pin.split("==")[1]]


def conflicting(present: Iterable[str]) -> list[str]:
    """Returns the installed packages to remove: replaced ones, with their replacements, whose files they share."""
    names = set(present)
    old = sorted(names & set(REPLACED))
    return [name for pair in old for name in (pair, REPLACED[pair]) if name in names]
