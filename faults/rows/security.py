"""Promise 17: with SROS2 in Enforce mode, a participant without the key or the right cannot command the arm."""

import os
import subprocess
import sys
from pathlib import Path
from random import Random

from async_rl_core.errors import ConfigError
from async_rl_core.security.middleware import require_plugins
from faults.campaign import Campaign
from faults.report import Row

ROOT = Path(__file__).resolve().parents[2]
TEST = "tests/system/test_security.py"
MESSAGES = 10_000
"""Messages of each participant in the test."""


def enforced(campaign: Campaign, random: Random) -> list[Row]:
    """Runs the system test, which counts the messages that a robot receives from each participant."""
    promise, required = "SROS2 in Enforce mode", "an unauthorised participant commands the arm 0 times of 10,000"
    try:
        require_plugins(os.environ)
    except ConfigError:
        why = "the installed Fast DDS was built without security, and a secure run is refused (docs/security.md)"
        return [Row(17, promise, required, "", 0, False, skipped=why)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", TEST],
        cwd=ROOT,
        env={**os.environ, "ROS_DOMAIN_ID": str(campaign.domain)},
        stdout=subprocess.PIPE,
        text=True,
    )
    return [Row(17, promise, required, f"{TEST}: {done.stdout.splitlines()[-1]}", MESSAGES, done.returncode == 0)]
