"""`architecture:=seq`: it measures its cycle, and the arm is never long without a command."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from async_rl_core.config.load import read_config
from async_rl_core.run_folder.components import COMPONENTS, key

from .conftest import PATIENCE, write_preset

DURATION = 20.0
INITIAL_STEPS = 20
"""Random steps: fewer than the first episode has at any cycle."""


@pytest.mark.timeout(180)
def test_sequential_run_fits_its_measured_cycle(tmp_path: Path, domain: int) -> None:
    run_dir = tmp_path / "run"
    preset = write_preset(
        tmp_path / "quick.yaml",
        agent={"initial_steps": INITIAL_STEPS},
        learner={"metrics_period": 2},
        guard={"watchdog": PATIENCE, "state_timeout": PATIENCE},
    )
    arguments = ["architecture:=seq", f"preset:={preset}", f"duration:={DURATION}", f"run_dir:={run_dir}"]
    done = subprocess.run(
        ["async_rl", "launch", "reacher", *arguments],
        env={**os.environ, "ROS_DOMAIN_ID": str(domain)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "component times (seq)" in done.stdout

    config = read_config(run_dir / "config.yaml")
    cycle = config.agent.action_cycle_time
    assert cycle == pytest.approx(round(cycle / 0.04) * 0.04)  # the camera's cycles, and the arm's 8 ms
    assert f"action_cycle_time: {1e3 * cycle:.3g} ms" in done.stdout
    assert config.guard.watchdog == pytest.approx(max(PATIENCE, 1.5 * cycle))
    summary = json.loads((run_dir / "summary.json").read_text())
    assert summary["action_cycle_ms"] == pytest.approx(1e3 * cycle)
    assert summary["updates"] > 0
    assert summary["missed_cycles"] <= 0.1 * summary["cycles"]  # of a machine that may be busy
    # Its parts, one after the other, make up the cycle, and fit into it.
    parts = [summary[key(name)] for name in COMPONENTS]
    assert all(part > 0 for part in parts)
    assert sum(parts) < 1e3 * cycle
    for name in ("components.png", "metrics.jsonl", "learning_curve.png"):
        assert (run_dir / name).stat().st_size > 0
    assert list((run_dir / "checkpoints").glob("*.safetensors"))
