"""Set up the workspace: a virtual environment in .venv, then a colcon build into install/. Needs no root.

Runs on any Python from 3.8 with the standard library alone. Each part is left alone when nothing it depends on has
changed: a stamp beside its result holds the digest of what it was made from.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import sys
import time
from pathlib import Path

from atomic_text import write_atomically
from checks import check
from environment import write_environment
from lockfile import read_lock
from machine import MissingError, has_nvidia_gpu, missing_tools, require, say, sourced_ros, unusable_path
from progress import ColconStage, duration, run
from virtual_environment import has_pip, install, is_ours, make_venv

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK, TEST_LOCK = ROOT / "requirements.lock", ROOT / "requirements-test.lock"
LAUNCHER = ROOT / "tools" / "run.sh"
BUILT_WITH = ("ros-", "numpy=", "cmake=", "colcon-", "empy=", "lark-parser=", "setuptools=", "catkin-pkg=")
"""Beginnings of the pins that what colcon builds depends on."""


def digest(*parts: str | bytes) -> str:
    value = hashlib.sha256()
    for part in parts:
        value.update(part.encode() if isinstance(part, str) else part)
        value.update(b"\0")
    return value.hexdigest()


def is_current(stamp: Path, key: str) -> bool:
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == key


def write_stamp(stamp: Path, key: str) -> None:
    write_atomically(stamp, key)


def set_up_environment(ros: str | None, locks: list[Path]) -> None:
    """Installs what .venv lacks of the locks; another ROS 2 or Python makes it again from scratch."""
    gpu = str(has_nvidia_gpu())
    keys = {VENV / f"stamp-{lock.stem}": digest(lock.read_bytes(), str(ROOT), ros or "wheels", gpu) for lock in locks}
    ours = is_ours(ROOT, VENV, ros)
    if not ours or not all(is_current(stamp, key) for stamp, key in keys.items()):
        if not ours or not has_pip(VENV):
            make_venv(ROOT, VENV, ros)
        install(ROOT, VENV, locks, ros)
        for stamp, key in keys.items():
            write_stamp(stamp, key)
    write_environment(ROOT, VENV, ros)


def base_paths() -> list[Path]:
    """Returns where colcon looks for packages: src, and compat for those that no other prefix has."""
    prefixes = [Path(prefix) for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(":") if prefix]
    outside = [prefix for prefix in prefixes if ROOT not in prefix.parents]
    stand_ins = sorted(path.parent for path in (ROOT / "compat").glob("*/package.xml"))
    lacking = [path for path in stand_ins if not any((prefix / "share" / path.name).is_dir() for prefix in outside)]
    return [ROOT / "src", *lacking]


def environment_key(ros: str | None) -> str:
    """Digest of what a build takes from .venv."""
    pins = [pin for pin in read_lock(LOCK)[""] if pin.startswith(BUILT_WITH)]
    python = next(VENV.glob("lib/python3.*"), VENV).name
    return digest(str(ROOT), ros or "wheels", python, *pins)


def build_key(environment: str, paths: list[Path]) -> str:
    """Digest of all that a built workspace depends on; Python files are linked, so their contents do not count."""
    parts: list[str | bytes] = [environment, (ROOT / "colcon.meta").read_bytes()]
    names = ("package.xml", "setup.py", "setup.cfg", "CMakeLists.txt")
    for path in sorted(file for folder in paths for file in folder.rglob("*")):
        if path.name in names or path.suffix in (".msg", ".srv", ".action"):
            parts += [str(path), path.read_bytes()]
    for folder in ("launch", "config", "rviz"):
        parts += sorted(str(path) for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts)
    return digest(*parts)


def remove_old_builds(root: Path, paths: list[Path]) -> None:
    """Removes what an earlier build made of packages and files that the source no longer has."""
    present = {file.parent.name for path in paths for file in path.rglob("package.xml")}
    for package in [built.name for built in (root / "install").glob("*/share/colcon-core/packages/*")]:
        if package not in present:
            say(f"removing {package}, which the source no longer has")
            shutil.rmtree(root / "install" / package, ignore_errors=True)
            shutil.rmtree(root / "build" / package, ignore_errors=True)
    for link in (root / "install").rglob("*"):
        if link.is_symlink() and not link.exists():
            link.unlink()


def build(paths: list[Path]) -> None:
    """colcon build into install/, with the Python packages, configuration and launch files linked."""
    count = sum(1 for path in paths for _ in path.rglob("package.xml"))
    say(f"3 of 4: building {count} packages with colcon (details: {ROOT / 'log' / 'build.log'})")
    command = [str(LAUNCHER), "python", "-m", "colcon", "--log-base", str(ROOT / "log" / "colcon"), "build"]
    command += ["--base-paths", *map(str, paths), "--metas", str(ROOT / "colcon.meta"), "--symlink-install"]
    command += ["--build-base", str(ROOT / "build"), "--install-base", str(ROOT / "install")]
    command += ["--event-handlers", "console_cohesion+", "--cmake-args"]
    command += [f"-DPython3_EXECUTABLE={VENV / 'bin' / 'python'}", "-DPython3_FIND_VIRTUALENV=ONLY"]
    run(command, ROOT / "log" / "build.log", ColconStage("building", count))


def set_up(locks: list[Path]) -> None:
    """Updates .venv and install/, and tries each program; raises `MissingError`."""
    if problem := unusable_path(ROOT):
        raise MissingError(problem)
    ros = sourced_ros()
    set_up_environment(ros, locks)
    paths = base_paths()
    key = build_key(environment_key(ros), paths)
    if not is_current(ROOT / "install" / "stamp", key):
        require(missing_tools(str(VENV / "bin" / "python")))
        remove_old_builds(ROOT, paths)
        build(paths)
        check(LAUNCHER, ROOT / "install", ROOT / "log")
        write_stamp(ROOT / "install" / "stamp", key)


def main(words: list[str]) -> int:
    if words not in ([], ["--tests"]):
        print("usage: setup.py [--tests]    --tests: install what tests and lint need as well", file=sys.stderr)
        return 2
    started = time.monotonic()
    with LOCK.open(encoding="utf-8") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # two set-ups at once take turns
        try:
            set_up([LOCK, TEST_LOCK] if words else [LOCK])
        except MissingError as error:
            print(f"[setup] error: {error}", file=sys.stderr, flush=True)
            return 1
        except OSError as error:
            print(f"[setup] error: {describe(error)}", file=sys.stderr, flush=True)
            return 1
        except KeyboardInterrupt:
            say("interrupted; the next set-up starts where this one left off")
            return 130
    elapsed = time.monotonic() - started
    if elapsed > 2:
        say(f"ready after {duration(elapsed)}")
    return 0


def describe(error: OSError) -> str:
    """Returns what went wrong with which file, and what to do."""
    what = f"{error.filename or ROOT}: {error.strerror or error}"
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return f"{what}; make {ROOT} yours (chown -R) or clone it to a folder of yours"
    return f"{what}; free some disk, then try again" if error.errno == errno.ENOSPC else what


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
