"""Runs, refusals and reports of an evaluation; a stand-in replaces the graph."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from async_rl_core.algorithms.registry import make_algorithm
from async_rl_core.bringup.arguments import parse
from async_rl_core.config.load import read_config, resolve, write_config
from async_rl_core.config.schema import Config
from async_rl_core.errors import ConfigError
from async_rl_core.evaluation import evaluate as module
from async_rl_core.evaluation.evaluate import arguments, configure, evaluate, run_config
from async_rl_core.learning.checkpoint import LearnerSnapshot
from async_rl_core.learning.checkpoint_file import CheckpointError, name_of
from async_rl_core.run_folder.episodes import HEADER

NOW = datetime(2026, 5, 4, 3, 2, 1)
UPDATES = (30, 70)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The configuration of a run with two checkpoints of different policies."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    (folder / "checkpoints").mkdir(parents=True)
    config = resolve("laptop", {"run_dir": folder, "duration": 600.0, "seed": 5, "sac.hidden_sizes": [8]})
    write_config(config, folder / "config.yaml")
    for updates in UPDATES:
        sac = make_algorithm(config.model_copy(update={"seed": updates}), "cpu")
        sac.updates = updates
        capture = LearnerSnapshot(sac)
        capture.take(env_steps=10 * updates)
        capture.write(folder / "checkpoints" / name_of(updates))
    return config


@pytest.fixture
def run(trained: Config, tmp_path: Path) -> Path:
    """That run's folder, to be spoilt."""
    folder = tmp_path / "run"
    (folder / "checkpoints").mkdir(parents=True)
    assert trained.run_dir is not None
    for path in (*trained.run_dir.glob("checkpoints/*"), trained.run_dir / "config.yaml"):
        (folder / path.relative_to(trained.run_dir)).write_bytes(path.read_bytes())
    return folder


Graph = Callable[..., list[Config]]


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> Graph:
    """Puts a graph in place that finishes some episodes and ends with a code; returns the configurations it ran."""

    def place(episodes: int, code: int = 0) -> list[Config]:
        ran: list[Config] = []

        @contextmanager
        def prepared(config: Config, *_: object) -> Iterator[tuple[Config, list[object]]]:
            assert config.run_dir is not None
            config.run_dir.mkdir(parents=True)
            yield config, []

        class Supervisor:
            def __init__(self, *_: object) -> None:
                pass

            async def run(self) -> int:
                config = ran[-1]
                assert config.run_dir is not None and config.evaluation.checkpoint is not None
                assert config.evaluation.checkpoint.is_file()
                if episodes:
                    lines = [f"{i},{7.0 * i},{100 * i},70,{100.0 * i},{4.0 * i},1.0,0" for i in range(1, episodes + 1)]
                    (config.run_dir / "episodes.csv").write_text("\n".join([HEADER, *lines, ""]))
                return code

        def remember(config: Config, *rest: object) -> object:
            ran.append(config)
            return prepared(config, *rest)

        monkeypatch.setattr(module, "prepared", remember)
        monkeypatch.setattr(module, "Supervisor", Supervisor)
        return ran

    return place


def result(run: Path) -> dict[str, object]:
    figures: dict[str, object] = json.loads((run / "evaluations" / "20260504-030201" / "evaluation.json").read_text())
    return figures


def test_evaluate_runs_the_task_of_the_run_with_a_fixed_policy(run: Path, graph: Graph) -> None:
    ran = graph(episodes=10)
    assert evaluate(run, {}, lambda: NOW) == 0
    [config] = ran
    folder = run / "evaluations" / "20260504-030201"
    assert not config.learns
    assert (config.run_dir, config.duration) == (folder, None)
    assert (config.episodes, config.seed, config.agent.initial_steps) == (10, 1, 0)
    learned = run_config(run)
    assert (config.algorithm_settings, config.camera, config.robot, config.preset) == (
        learned.algorithm_settings, learned.camera, learned.robot, "laptop"
    )  # fmt: skip
    newest = run / "checkpoints" / name_of(max(UPDATES))
    assert (folder / "checkpoint.safetensors").read_bytes() == newest.read_bytes()


def test_evaluate_writes_and_reports_the_result(run: Path, graph: Graph, capsys: pytest.CaptureFixture[str]) -> None:
    graph(episodes=3)
    assert evaluate(run, parse(["episodes:=3", "seed:=8"], arguments()), lambda: NOW) == 0
    figures = result(run)
    assert figures["updates"] == 70 and figures["env_steps"] == 700
    assert (figures["episodes"], figures["episodes_wanted"], figures["seed"]) == (3, 3, 8)
    assert (figures["return_mean"], figures["target_term_mean"]) == (200.0, 8.0)
    assert figures["return_standard_error"] == pytest.approx(100 / 3**0.5)
    assert figures["success_rate"] == pytest.approx(2 / 3)
    said = capsys.readouterr().out
    assert "reaching without noise, 3 of 3 episodes of seed 8, policy after 70 updates" in said
    assert "200.00" in said and "57.74" in said and "2 of 3 episodes" in said


@pytest.mark.parametrize(("finished", "code"), [(2, 0), (0, 0), (1, 1)])
def test_evaluate_stopped_early_reports_finished_episodes(
    run: Path, graph: Graph, capsys: pytest.CaptureFixture[str], finished: int, code: int
) -> None:
    graph(episodes=finished, code=code)
    assert evaluate(run, {}, lambda: NOW) == code
    assert result(run)["episodes"] == finished
    assert f"{finished} of 10 episodes" in capsys.readouterr().out


def test_evaluate_damaged_checkpoint_is_skipped_with_a_warning(
    run: Path, graph: Graph, capsys: pytest.CaptureFixture[str]
) -> None:
    graph(episodes=1)
    newest = run / "checkpoints" / name_of(max(UPDATES))
    newest.write_bytes(newest.read_bytes()[:-5])
    assert evaluate(run, {}, lambda: NOW) == 0
    assert result(run)["updates"] == min(UPDATES)
    assert f"warning: checkpoint {newest} is damaged" in capsys.readouterr().out


def test_nothing_starts_without_a_checkpoint(run: Path, graph: Graph) -> None:
    ran = graph(episodes=1)
    for path in run.glob("checkpoints/*"):
        path.write_bytes(b"nonsense")
    with pytest.raises(CheckpointError, match=r"every checkpoint in .* is damaged"):
        evaluate(run, {}, lambda: NOW)
    for path in run.glob("checkpoints/*"):
        path.unlink()
    with pytest.raises(CheckpointError, match="has no checkpoint; the learner writes one every 60 s"):
        evaluate(run, {}, lambda: NOW)
    assert not ran and not (run / "evaluations").exists()


def test_evaluate_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere is not a folder; name a run's folder"):
        evaluate(tmp_path / "nowhere", {})
    with pytest.raises(ConfigError, match=r"has no config\.yaml; name a run's folder"):
        evaluate(tmp_path, {})


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("episodes:=0", "argument episodes: "),
        ("seed:=x", "argument seed: 'x' is not allowed"),
        ("record_video:=maybe", "argument record_video: 'maybe' is not allowed"),
    ],
)
def test_a_wrong_argument_is_named(run: Path, word: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        evaluate(run, parse([word], arguments()))


def test_evaluate_refuses_arguments_of_the_networks() -> None:
    with pytest.raises(ConfigError, match="unknown argument 'image_width'; allowed: seed, episodes"):
        parse(["image_width:=80"], arguments())


def test_a_run_from_before_evaluations_can_be_evaluated(run: Path) -> None:
    path = run / "config.yaml"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)[2:]  # without the checksum, as they had none
    newer = ("evaluation", "success_coverage", "tool_frame")  # the last as if the robot had had no such key
    path.write_text("".join(line for line in lines if not any(key in line for key in newer)))
    with pytest.raises(ConfigError, match="evaluation"):
        read_config(path)
    config = configure(run, {}, run / "e")
    assert config.episodes == 10 and config.evaluation.success_coverage > 0
    assert config.robot == resolve("laptop").robot
