"""Starts the programs of the built workspace once, so that "ready" is said only of what starts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from machine import MissingError, say

TIMEOUT = 300.0
"""Seconds that a first import of all libraries may take from a slow disk, on a busy machine."""
TAIL = 5  # lines of a failed program's output that are shown

COMMAND = "async_rl"
"""Started by itself, as a user starts it; the nodes share one process, which imports each library once."""

OPTIONAL = ("franky_sim", "pylibfranka")
"""Modules that only Franka arms need and not every Python can have (requirements.lock)."""

TRY_ALL = f"""
import os, runpy, sys
optional = {OPTIONAL!r}
for path in sys.argv[1:]:
    print("starting", path, flush=True)
    interpreter = open(path).readline().removeprefix("#!").strip()
    if not os.access(interpreter, os.X_OK):
        sys.exit("its interpreter " + interpreter + " cannot be run")
    sys.argv = [path, "--help"]
    try:
        runpy.run_path(path, run_name="__main__")
    except ModuleNotFoundError as error:
        if error.name not in optional:
            raise
        print("left out:", path, "lacks", error.name)
    except SystemExit as end:
        if end.code:
            raise
"""


def programs(install: Path) -> list[Path]:
    """Returns the executables of the built packages, the command first."""
    found = sorted(path for path in install.glob("*/lib/*/*") if path.is_file() and os.access(path, os.X_OK))
    ours = [path for path in found if path.parent.name == path.parents[2].name]
    return sorted(ours, key=lambda path: path.name != COMMAND)


def check(launcher: Path, install: Path, log: Path) -> None:
    """Runs every program with --help; raises `MissingError` that names the first that fails."""
    found = programs(install)
    say(f"4 of 4: starting each of {len(found)} programs once")
    if not found or found[0].name != COMMAND:
        raise MissingError(f"{install} lacks the programs; remove {install} and {install.parent / 'build'}, try again")
    words = [[str(found[0]), "--help"], ["python", "-c", TRY_ALL, *map(str, found[1:])]]
    for command in words:
        _start([str(launcher), *command], log / "programs.log")


def _start(command: list[str], log: Path) -> None:
    log.parent.mkdir(exist_ok=True)
    with log.open("w", encoding="utf-8") as output:
        try:
            code: object = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=TIMEOUT, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            code = f"none within {TIMEOUT:g} s"
    if code != 0:
        lines = log.read_text(errors="replace", encoding="utf-8").splitlines()
        last = next((line for line in reversed(lines) if line.startswith("starting ")), command[1])
        tail = "\n".join(lines[-TAIL:])
        raise MissingError(f"{last} failed, exit code {code}; the end of {log}:\n{tail}")
