"""Writes .venv/env.sh: what a shell or a process needs to run the suite, with absolute paths."""

from __future__ import annotations

from pathlib import Path

from atomic_text import write_atomically

WHEELS = """\
if [ -n "${{ROS_DISTRO:-}}" ]; then
  unset ROS_DISTRO PYTHONPATH CMAKE_PREFIX_PATH COLCON_PREFIX_PATH
fi
export AMENT_PREFIX_PATH="{venv}"
export LD_LIBRARY_PATH="{libraries}"
export _ROS_WHEELS_BOOTSTRAP_COMPLETE=1
"""

# ros2 itself runs on the system's Python, and its launch files import what is in the environment only.
SOURCED = """\
# ROS 2 as sourced: {ros}
case ":${{PYTHONPATH:-}}:" in
  *":{packages}:"*) ;;
  *) export PYTHONPATH="{packages}${{PYTHONPATH:+:$PYTHONPATH}}" ;;
esac
"""

COMMON = """\
unset PYTHONHOME
export VIRTUAL_ENV="{venv}"
export ASYNC_RL_ROOT="{root}"
case ":$PATH:" in
  *":{venv}/bin:"*) ;;
  *) export PATH="{venv}/bin:{root}/install/async_rl/lib/async_rl:$PATH" ;;
esac
if [ "${{ROS_AUTOMATIC_DISCOVERY_RANGE:-LOCALHOST}}" = LOCALHOST ]; then
  export FASTDDS_DEFAULT_PROFILES_FILE="${{FASTDDS_DEFAULT_PROFILES_FILE:-{root}/config/fastdds.xml}}"
fi
if [ -f "{root}/install/local_setup.sh" ]; then
  COLCON_CURRENT_PREFIX="{root}/install"
  . "{root}/install/local_setup.sh"
  unset COLCON_CURRENT_PREFIX
fi
case "$-:${{BASH_VERSION:-}}" in
  *i*:?*) eval "$("{venv}/bin/register-python-argcomplete" async_rl 2>/dev/null)" ;;
esac
"""


def libraries(venv: Path) -> str:
    """LD_LIBRARY_PATH of the ROS 2 wheels, which otherwise re-execute every Python once to set it."""
    folders = [venv / "lib", *sorted(venv.glob("lib/python3.*/site-packages/ros_*.libs"))]
    return ":".join(map(str, folders))


def write_environment(root: Path, venv: Path, ros: str | None) -> None:
    """Writes env.sh for a sourced ROS 2 (`ros` names it) or for the wheels (`ros` is None)."""
    text = "# Made by tools/setup.py; source it in sh or bash.\n"
    if ros is None:
        text += WHEELS.format(venv=venv, libraries=libraries(venv))
    else:
        text += SOURCED.format(ros=ros, packages=next(iter(venv.glob("lib/python3.*/site-packages")), venv))
    text += COMMON.format(venv=venv, root=root)
    path = venv / "env.sh"
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_atomically(path, text)


def describes(root: Path, venv: Path, ros: str | None) -> bool:
    """Returns whether env.sh was written for this checkout and this ROS 2."""
    path = venv / "env.sh"
    if not path.is_file():
        return False
    lines = path.read_text(encoding="utf-8").splitlines()
    origin = "export _ROS_WHEELS_BOOTSTRAP_COMPLETE=1" if ros is None else f"# ROS 2 as sourced: {ros}"
    return f'export ASYNC_RL_ROOT="{root}"' in lines and origin in lines
