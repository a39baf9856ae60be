import os
import subprocess
import sys
from pathlib import Path

import pytest

from async_rl_ros.log_folder import log_arguments
from testing.full_disk import files_up_to

PROGRAM = """
from async_rl_ros.node import ConfiguredNode, main
main(lambda: ConfiguredNode("some_node"))
"""


@pytest.mark.parametrize("home", [{"HOME": "/dev/null"}, {}], ids=["no folder", "unset"])
def test_node_whose_log_folder_cannot_be_made_starts(home: dict[str, str]) -> None:
    left_out = ("HOME", "ROS_HOME", "ROS_LOG_DIR")
    environment = {name: value for name, value in os.environ.items() if name not in left_out} | home
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.stderr == "error: some_node: parameter 'config' is not set; pass -p config:=<run folder>/config.yaml\n"
    assert done.returncode == 2


def test_log_folder_on_a_full_disk_is_done_without(tmp_path: Path) -> None:
    with files_up_to(0):
        assert log_arguments({"HOME": str(tmp_path)}) == ["--ros-args", "--disable-external-lib-logs"]


def test_log_folder_that_can_be_written_is_used(tmp_path: Path) -> None:
    assert log_arguments({"HOME": str(tmp_path)}) == []
    assert log_arguments({"HOME": "/dev/null", "ROS_LOG_DIR": str(tmp_path / "logs")}) == []
    assert log_arguments({"HOME": "/dev/null", "ROS_HOME": str(tmp_path / "ros")}) == []
    assert [*(tmp_path / "logs").iterdir()] == []
