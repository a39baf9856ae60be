"""One copy per domain."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from async_rl_core.errors import ConfigError
from async_rl_core.run_folder.lock import DomainLock, RunLock

DOMAIN = 10_000 + os.getpid()  # no ROS domain has this number, and no other test run


def test_a_second_copy_is_refused_and_told_of_the_first() -> None:
    lock = DomainLock(DOMAIN)
    with pytest.raises(ConfigError, match=rf"already runs in ROS domain {DOMAIN} \(process {os.getpid()}\); stop"):
        DomainLock(DOMAIN)
    DomainLock(-DOMAIN).close()  # not the next number: that of a process beside this one
    lock.close()
    DomainLock(DOMAIN).close()


def test_the_lock_dies_with_its_holder_and_is_not_inherited() -> None:
    holds = f"""
import subprocess, sys
from async_rl_core.run_folder.lock import DomainLock
lock = DomainLock({DOMAIN})
child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=sys.stdin)
print("held", flush=True)
sys.stdin.read()
"""
    with subprocess.Popen([sys.executable, "-c", holds], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(ConfigError):
            DomainLock(DOMAIN)
        process.kill()
        process.wait()
        DomainLock(DOMAIN).close()


def test_a_run_is_locked_until_its_last_process_ends(tmp_path: Path) -> None:
    lock = RunLock(tmp_path)
    with pytest.raises(ConfigError, match=f"run folder {tmp_path}: its run is still going; stop that first"):
        RunLock(tmp_path)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=[lock.descriptor]) as process:
        lock.close()
        with pytest.raises(ConfigError):
            RunLock(tmp_path)
        process.kill()
        process.wait()
    RunLock(tmp_path).close()
