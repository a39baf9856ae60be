"""`async_rl evaluate` and `async_rl export` on a run folder after training."""

import csv
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from async_rl_core.algorithms.registry import make_algorithm
from async_rl_core.config.load import read_config, resolve, write_config
from async_rl_core.learning.checkpoint import LearnerSnapshot
from async_rl_core.learning.checkpoint_file import name_of
from async_rl_interfaces.msg import GuardState

from .conftest import PATIENCE, TopicListener, in_time

EPISODE, RESET = 1.0, 1.0
UPDATES = 1234


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Returns the folder of a run with short episodes and a checkpoint."""
    folder = tmp_path / "run"
    (folder / "checkpoints").mkdir(parents=True)
    short = {"agent.episode_duration": EPISODE, "agent.reset_duration": RESET}
    patient = {"guard.watchdog": PATIENCE, "guard.state_timeout": PATIENCE}
    config = resolve("laptop", {"run_dir": folder, "seed": 7, **short, **patient})
    write_config(config, folder / "config.yaml")
    sac = make_algorithm(config.model_copy(update={"seed": 7}), "cpu")
    sac.updates = UPDATES
    capture = LearnerSnapshot(sac)
    capture.take(env_steps=2000)
    capture.write(folder / "checkpoints" / name_of(UPDATES))
    return folder


def evaluate(run: Path, domain: int, *arguments: str) -> subprocess.Popen[str]:
    """Starts the command in the domain."""
    return subprocess.Popen(
        ["async_rl", "evaluate", str(run), *arguments],
        env={**os.environ, "ROS_DOMAIN_ID": str(domain)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def figures_of(run: Path) -> dict[str, object]:
    """Returns the result of the only evaluation."""
    [folder] = (run / "evaluations").iterdir()
    figures: dict[str, object] = json.loads((folder / "evaluation.json").read_text())
    return figures


@pytest.mark.timeout(120)
def test_evaluate_two_episodes_and_export(run: Path, domain: int, listener: TopicListener) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    process = evaluate(run, domain, "episodes:=2", "seed:=4")
    output, _ = process.communicate()
    assert process.returncode == 0, output

    # What it says, what it wrote, and what was measured are the same.
    [folder] = (run / "evaluations").iterdir()
    rows = list(csv.DictReader((folder / "episodes.csv").read_text().splitlines()))
    figures = figures_of(run)
    returns = [float(row["return"]) for row in rows]
    assert len(rows) == 2
    assert (figures["episodes"], figures["updates"], figures["seed"]) == (2, UPDATES, 4)
    assert figures["return_mean"] == pytest.approx(sum(returns) / 2)
    assert figures["return_standard_error"] == pytest.approx(abs(returns[0] - returns[1]) / 2)
    assert f"policy after {UPDATES} updates" in output and f"{sum(returns) / 2:.2f}" in output

    # The policy acted from the first step; nothing learned, and the run is as it was.
    assert in_time(lambda: [episode.random for episode in listener.episodes] == [False, False])
    assert {episode.policy_updates for episode in listener.episodes} == {UPDATES}
    assert not listener.learner and "replay_node" not in listener.health
    assert GuardState.ARMED in listener.guard and GuardState.FAULT not in listener.guard
    assert in_time(lambda: not listener.wire[-1].any())
    assert {path: path.read_bytes() for path in before} == before
    assert {path.name for path in folder.iterdir()} >= {
        "checkpoint.safetensors", "config.yaml", "episodes.csv", "evaluation.json", "summary.json"
    }  # fmt: skip
    assert not {"checkpoints", "replay", "learning_curve.png"} & {path.name for path in folder.iterdir()}
    assert read_config(folder / "config.yaml").run_dir == folder

    exported = subprocess.run(["async_rl", "export", str(run)], capture_output=True, text=True, check=True)
    model, card = map(Path, exported.stdout.split())
    assert model.stat().st_size > 0
    assert json.loads(card.read_text())["origin"]["updates"] == UPDATES


@pytest.mark.timeout(120)
def test_evaluate_interrupted_reports_finished_episodes(run: Path, domain: int) -> None:
    process = evaluate(run, domain, "episodes:=50")
    assert process.stdout is not None
    output = []
    for line in process.stdout:
        output.append(line)
        if "episode    1" in line:
            process.send_signal(signal.SIGINT)
    assert process.wait() == 0, "".join(output)
    done = figures_of(run)["episodes"]
    assert isinstance(done, int) and 1 <= done < 50
    assert f"{done} of 50 episodes" in "".join(output)
