"""Set up the workspace: a virtual environment in .venv, then a colcon build into install/. Needs no root.

Runs on any Python from 3.8 with the standard library alone. Each part is left alone when nothing it depends on has
changed: a stamp beside its result holds the digest of what it was made from.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
import time
from pathlib import Path

from environment import write_environment
from machine import MissingError, missing_tools, python_version, require, say, sourced_ros
from virtual_environment import check_imports, make_venv, run

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
LAUNCHER = ROOT / "tools" / "run.sh"


def digest(*parts: str | bytes) -> str:
    value = hashlib.sha256()
    for part in parts:
        value.update(part.encode() if isinstance(part, str) else part)
        value.update(b"\0")
    return value.hexdigest()


def is_current(stamp: Path, key: str) -> bool:
    return stamp.is_file() and stamp.read_text() == key


def write_stamp(stamp: Path, key: str) -> None:
    temporary = stamp.with_suffix(".new")
    temporary.write_text(key)
    os.replace(temporary, stamp)


def is_other_python() -> bool:
    """Whether $PYTHON asks for another version than .venv has."""
    asked = os.environ.get("PYTHON")
    return bool(asked) and python_version(str(asked)) != python_version(str(VENV / "bin" / "python"))


def set_up_environment(ros: str | None) -> str:
    """Make .venv where it is not current; returns the digest of what it is made from."""
    key = digest(LOCK.read_bytes(), str(ROOT), ros or "wheels")
    if not is_current(VENV / "stamp", key) or is_other_python():
        make_venv(ROOT, VENV, LOCK, ros)
        write_environment(ROOT, VENV, ros)
        check_imports(LAUNCHER, ROOT / "log" / "imports.log")
        write_stamp(VENV / "stamp", key)
    write_environment(ROOT, VENV, ros)
    return key


def base_paths() -> list[Path]:
    """Where colcon looks for packages: src, and compat for what no prefix outside of this workspace has."""
    prefixes = [Path(prefix) for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(":") if prefix]
    outside = [prefix for prefix in prefixes if ROOT not in prefix.parents]
    stand_ins = sorted(path.parent for path in (ROOT / "compat").glob("*/package.xml"))
    lacking = [path for path in stand_ins if not any((prefix / "share" / path.name).is_dir() for prefix in outside)]
    return [ROOT / "src", *lacking]


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


def build(paths: list[Path]) -> None:
    """colcon build into install/, with the Python packages, configuration and launch files linked."""
    say("building the packages with colcon (details: log/build.log)")
    command = [str(LAUNCHER), "python", "-m", "colcon", "--log-base", str(ROOT / "log" / "colcon"), "build"]
    command += ["--base-paths", *map(str, paths), "--metas", str(ROOT / "colcon.meta"), "--symlink-install"]
    command += ["--build-base", str(ROOT / "build"), "--install-base", str(ROOT / "install")]
    command += ["--event-handlers", "console_cohesion+", "--cmake-args"]
    command += [f"-DPython3_EXECUTABLE={VENV / 'bin' / 'python'}", "-DPython3_FIND_VIRTUALENV=ONLY"]
    run(command, ROOT / "log" / "build.log", "colcon build")


def set_up() -> None:
    """Bring .venv and install/ up to date; raises `MissingError`."""
    environment = set_up_environment(sourced_ros())
    paths = base_paths()
    key = build_key(environment, paths)
    if not is_current(ROOT / "install" / "stamp", key):
        require(missing_tools(str(VENV / "bin" / "python")))
        build(paths)
        write_stamp(ROOT / "install" / "stamp", key)


def main() -> int:
    started = time.monotonic()
    with LOCK.open() as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # two set-ups at once take turns
        try:
            set_up()
        except MissingError as error:
            print(f"[setup] error: {error}", file=sys.stderr, flush=True)
            return 1
        except KeyboardInterrupt:
            say("interrupted; the next set-up starts where this one left off")
            return 130
    elapsed = time.monotonic() - started
    if elapsed > 2:
        say(f"ready after {elapsed:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
