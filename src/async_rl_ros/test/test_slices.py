"""Short turns on a processor, asked for in a process of its own: they cannot be taken back without a trace."""

import os
import platform
import subprocess
import sys

import pytest

KERNEL = tuple(map(int, platform.release().split("-")[0].split(".")[:2]))
GRANTED = KERNEL >= (6, 12) and platform.machine() in ("x86_64", "aarch64")
IMPORT = "import os; from async_rl_ros import scheduling as s; from async_rl_ros.slices import shorten_turns as t; "
NO_RIGHTS = """
def refuse(*words): raise PermissionError
os.sched_setscheduler = os.setpriority = refuse
"""


def printed(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", IMPORT + code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(not GRANTED, reason="Linux grants short turns from 6.12 on")
def test_slices_short_turns_are_granted_and_keep_policy_and_niceness() -> None:
    said = printed("os.setpriority(0, 0, 3); print(t(), os.sched_getscheduler(0), os.getpriority(0, 0))")
    assert said == f"True {os.SCHED_OTHER} 3"


def test_scheduling_without_rights_asks_for_short_turns_and_says_so() -> None:
    said = printed(f"exec({NO_RIGHTS!r}); print(s.realtime(20, short=True))")
    assert said.startswith("no right to real-time scheduling or a negative nice value")
    assert ("; given short turns" in said) == GRANTED
