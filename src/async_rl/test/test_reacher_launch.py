"""`reacher.launch.py`, started by launch_testing: the guard arms, and every node ends with exit code 0.

launch_testing is part of an installed ROS 2, not of the wheels; elsewhere this test is skipped.
"""

import unittest
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

testing = pytest.importorskip("launch_testing", reason="launch_testing comes with an installed ROS 2")

from launch.actions import IncludeLaunchDescription  # noqa: E402
from launch.launch_description_sources import AnyLaunchDescriptionSource  # noqa: E402

from launch import LaunchDescription  # noqa: E402

LAUNCH = Path(__file__).resolve().parents[3] / "launch" / "reacher.launch.py"
START = 120.0
"""Seconds until the guard has armed, on a busy machine too."""


@pytest.mark.launch_test
def generate_test_description() -> LaunchDescription:
    """Returns the run, whose end launch_testing requests after the active tests."""
    arguments = {"run_dir": str(Path(mkdtemp(prefix="launch-")) / "run"), "seed": "1"}
    run = IncludeLaunchDescription(AnyLaunchDescriptionSource(str(LAUNCH)), launch_arguments=arguments.items())
    return LaunchDescription([run, testing.actions.ReadyToTest()])


class TestRun(unittest.TestCase):
    """Active while the run is."""

    def test_reacher_launch_started_arms_the_guard(self, proc_output: Any) -> None:
        proc_output.assertWaitFor("the safety guard is armed", timeout=START, stream="stdout")


@testing.post_shutdown_test()
class TestEnd(unittest.TestCase):
    """Active after the run."""

    def test_reacher_launch_ended_has_exit_code_0_everywhere(self, proc_info: Any) -> None:
        testing.asserts.assertExitCodes(proc_info)
