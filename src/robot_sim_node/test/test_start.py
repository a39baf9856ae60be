"""The node is told to end while it starts: physics, renderer and middleware load in threads of their own."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from async_rl_core.config.load import resolve, write_config

RUN = "from robot_sim_node.node import main; main()"
STARTS = 20
LONGEST = 3.0
"""Seconds from the start of the process to the signal: beyond a start on a quiet machine."""


@pytest.mark.long
@pytest.mark.timeout(600)
def test_robot_sim_node_that_is_stopped_at_any_moment_of_its_start_ends_cleanly(tmp_path: Path) -> None:
    write_config(resolve("laptop", {}), tmp_path / "config.yaml")
    line = [sys.executable, "-c", RUN, "--ros-args", "-p", f"config:={tmp_path / 'config.yaml'}"]
    random = Random(1)
    for number in [signal.SIGTERM] * STARTS:
        with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            time.sleep(random.uniform(0.0, LONGEST))
            process.send_signal(number)
            _, error = process.communicate(timeout=60)
        # By the kernel before Python serves the signal, as the supervisor expects; else by the node itself.
        assert process.returncode in (0, -signal.SIGTERM), error
        assert "Traceback" not in error
