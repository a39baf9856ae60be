"""Runs of the examples, as short as continuous integration needs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

STEPS, RANDOM = 300, 200
EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


@pytest.mark.timeout(400)
def test_sb3_sac_in_a_process_of_its_own_learns_to_the_end(tmp_path):
    """Imports torch with its compiler after the environment has rendered, as a user does."""
    pytest.importorskip("stable_baselines3", reason="stable-baselines3 is not installed (requirements.lock has it)")
    words = ["--steps", str(STEPS), "--seed", "1", "--learning-starts", str(RANDOM)]
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "sb3_sac.py"), *words],
        capture_output=True,
        text=True,
        timeout=380,
        cwd=tmp_path,
        # Two threads that wait for each other are slower than one on a machine whose processors are taken.
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    episodes = re.findall(r"^step +(\d+)  episode +(\d+)  return +(-?\d+\.\d)$", done.stdout, re.MULTILINE)
    assert [(int(step), int(episode)) for step, episode, _ in episodes] == [(100, 1), (200, 2), (300, 3)]
