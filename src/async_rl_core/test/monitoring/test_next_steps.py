"""The last lines of a run."""

from pathlib import Path

import pytest

from async_rl_core.config.load import resolve
from async_rl_core.monitoring.next_steps import next_steps, result

CONFIG = resolve("laptop")
FIGURES: dict[str, object] = {
    "episodes": 80,
    "updates": 13_000,
    "env_steps": 8000,
    "target_term_random": 0.84,
    "target_term_last_10": 15.4,
    "target_term_ratio": 18.3333,
}


def test_next_steps_of_a_run_that_learned_name_every_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "runs" / "a run"
    lines = next_steps(CONFIG, run, FIGURES, {"ROS_DOMAIN_ID": "7", "ASYNC_RL_ROOT": "/opt/suite"})
    assert lines[0] == f"run folder: {run}"
    assert "15.40 in the last 10 episodes, 0.84 at random: 18.3 times" in lines[1]
    command = "ROS_DOMAIN_ID=7 /opt/suite/tools/run.sh async_rl"
    assert [line.strip() for line in lines[3:]] == [
        f"go on        {command} launch reacher resume:='runs/a run'",
        f"evaluate     {command} evaluate 'runs/a run'",
        f"export       {command} export 'runs/a run' policy.pt",
        "curve        runs/a run/learning_curve.png",
        "TensorBoard  /opt/suite/tools/run.sh tensorboard --logdir 'runs/a run/tensorboard'",
    ]


def test_next_steps_of_a_tracking_run_resume_the_tracker(tmp_path: Path) -> None:
    lines = next_steps(resolve("laptop", {"task": "tracking"}), tmp_path, FIGURES, {})
    assert any(f"async_rl launch tracker resume:={tmp_path}" in line for line in lines)


def test_next_steps_of_another_task_resume_it_by_its_name(tmp_path: Path) -> None:
    lines = next_steps(resolve("laptop", {}, "panda"), tmp_path, FIGURES, {})
    assert any(f"async_rl launch visual_reacher resume:={tmp_path}" in line for line in lines)


def test_result_without_an_update_says_that_nothing_was_learned(tmp_path: Path) -> None:
    figures = {**FIGURES, "episodes": 4, "updates": 0, "env_steps": 400}
    assert result(CONFIG, figures).startswith("nothing was learned: 4 episodes, 400 steps, 0 updates; updates begin")
    assert "1000 random steps (about 70 s)" in result(CONFIG, figures)
    lines = next_steps(CONFIG, tmp_path, figures, {})
    assert not any("evaluate" in line or "export" in line for line in lines)
    assert any("resume:=" in line for line in lines)


@pytest.mark.parametrize("figures", [{}, {"episodes": None, "updates": "x"}])
def test_result_of_a_summary_without_figures_is_a_sentence(figures: dict[str, object]) -> None:
    assert result(CONFIG, figures).startswith("nothing was learned: 0 episodes")


def test_result_close_to_random_says_so() -> None:
    figures = {**FIGURES, "target_term_last_10": 1.0, "target_term_ratio": 1.19}
    assert result(CONFIG, figures).endswith("1.2 times; hardly better than random so far, go on for longer")


def test_result_with_nothing_to_compare_says_so() -> None:
    assert "no episode to compare" in result(CONFIG, {**FIGURES, "target_term_random": None, "target_term_ratio": None})
