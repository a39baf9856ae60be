"""`async_rl launch reacher` as a newcomer starts it, for a minute: what comes out, and what is left."""

import csv
import json
import os
import signal
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from async_rl_core.config.load import read_config
from async_rl_core.monitor.episodes import HEADER
from async_rl_interfaces.msg import GuardState

from .conftest import INITIAL_STEPS, Ear

DURATION = 50.0
END = 5.0
"""Seconds in which everything has ended after a stop."""


def launch(domain: int, *arguments: str) -> subprocess.Popen[str]:
    """Start the command in the domain."""
    return subprocess.Popen(
        ["async_rl", "launch", "reacher", *arguments],
        env={**os.environ, "ROS_DOMAIN_ID": str(domain)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def children_of(run_dir: Path) -> list[str]:
    """Command lines of living processes that name the run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it just ended
        if f"{run_dir}/" in line:
            found.append(line)
    return found


def segments(domain: int) -> list[str]:
    """What is left of the run's shared memory."""
    prefix = f"async_rl-{os.getuid()}-{domain}"
    return [
        path.name for path in Path("/dev/shm").iterdir() if path.name == prefix or path.name.startswith(f"{prefix}-")
    ]


def check_files(run_dir: Path) -> None:
    """The run folder holds what the documentation says."""
    config = read_config(run_dir / "config.yaml")
    assert config.agent.initial_steps == INITIAL_STEPS
    for name in ("summary.json", "learning_curve.png", "metrics.jsonl"):
        assert (run_dir / name).stat().st_size > 0
    assert list((run_dir / "tensorboard").glob("events.out.tfevents.*"))
    checkpoints = list((run_dir / "checkpoints").glob("*.safetensors"))
    assert checkpoints
    with safe_open(max(checkpoints), "numpy") as checkpoint:
        assert all(np.isfinite(checkpoint.get_tensor(name)).all() for name in checkpoint.keys())  # noqa: SIM118


@pytest.mark.timeout(180)
def test_a_minute_of_learning(tmp_path: Path, preset: Path, domain: int, ear: Ear) -> None:
    run_dir = tmp_path / "run"
    process = launch(domain, f"preset:={preset}", f"duration:={DURATION}", f"run_dir:={run_dir}", "seed:=3")
    output, _ = process.communicate()
    assert process.returncode == 0, output
    check_files(run_dir)

    # Episodes end on time: 4 s and a reset of about 3 s.
    lines = (run_dir / "episodes.csv").read_text().splitlines()
    assert lines[0] == HEADER
    rows = list(csv.DictReader(lines))
    assert len(rows) >= 5
    ends = np.array([float(row["wall_time_s"]) for row in rows])
    assert (np.abs(np.diff(ends) - 7.0) < 0.5).all(), ends
    assert [int(row["env_steps"]) for row in rows] == [100 * (i + 1) for i in range(len(rows))]

    # Every transition arrived, in order; none is waiting.
    replay = ear.health["replay_node"]
    assert replay["lost steps"] == "0"
    assert int(replay["env steps"]) > INITIAL_STEPS
    assert ear.health["rl_agent_node"]["steps waiting"] == "0"

    # It learned, newer and newer policies reached the agent, and updates stayed within what a step allows.
    versions = [episode.policy_updates for episode in ear.episodes if not episode.random]
    assert versions == sorted(versions)
    assert 0 < versions[0] < versions[-1]
    assert int(rows[-1]["updates"]) > 0
    learned = ear.learner[-1]
    allowed = read_config(run_dir / "config.yaml").learner.max_updates_per_step
    assert 0 < learned.updates <= allowed * (learned.env_steps - INITIAL_STEPS + 1)

    # Deadlines: the machine of a test may be busy, so the bounds are wide; the README has the figures of a quiet one.
    summary = json.loads((run_dir / "summary.json").read_text())
    assert summary["lateness_p50_ms"] < 5.0
    assert summary["lateness_p99_ms"] < 20.0
    assert summary["wire_latency_p50_ms"] < 15.0
    assert summary["missed_cycles"] <= 0.02 * summary["cycles"]

    # The guard armed once, saw no fault, and the last word on the wire is zero.
    assert GuardState.ARMED in ear.guard
    assert GuardState.FAULT not in ear.guard
    assert not ear.wire[-1].any()
    limits = np.array(read_config(run_dir / "config.yaml").robot.limits.velocity)
    assert (np.abs(ear.wire) <= limits).all()
    assert np.abs(ear.wire).max() > 0.1

    assert not children_of(run_dir)
    assert not segments(domain)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(tmp_path: Path, preset: Path, domain: int, ear: Ear, number: signal.Signals) -> None:
    run_dir = tmp_path / "run"
    process = launch(domain, f"preset:={preset}", f"run_dir:={run_dir}")
    assert process.stdout is not None
    output = []
    for line in process.stdout:
        output.append(line)
        if "armed: the arm may move" in line:
            break
    reader = threading.Thread(target=lambda: output.extend(process.stdout or ()))
    reader.start()
    process.send_signal(number)
    assert process.wait(timeout=END) == 0, "".join(output)
    reader.join()
    assert not children_of(run_dir)
    assert not segments(domain)
    assert not ear.wire[-1].any()
    assert "FAULT" not in "".join(output)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["preset:=latpop"], "laptop"),
        (["speed:=3"], "seed"),
        (["architecture:=async3"], "async2"),
        (["image_width:=7"], "image_width"),
    ],
)
def test_bad_input_is_one_clear_line(domain: int, arguments: list[str], said: str, tmp_path: Path) -> None:
    process = launch(domain, f"run_dir:={tmp_path / 'run'}", *arguments)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 2
    assert len(output.splitlines()) == 1
    assert said in output
    assert not (tmp_path / "run").exists()
