"""The policy that comes with the suite."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from async_rl_core.config.load import resolve
from async_rl_core.errors import ConfigError
from async_rl_core.evaluation import example
from async_rl_core.evaluation.evaluate import configure
from async_rl_core.evaluation.example import example_file, make_example_run
from async_rl_core.evaluation.scores import success_threshold
from async_rl_core.experiments.simulated_evaluation import evaluate_in_simulated_time
from async_rl_core.learning.checkpoint_file import read_checkpoint
from async_rl_core.policies.fixed import FixedPolicy

NOW = datetime(2026, 5, 4, 3, 2, 1)


def test_example_reaches_its_target_without_noise() -> None:
    policy = example_file(".safetensors")
    settings = {"evaluation.checkpoint": str(policy), "agent.initial_steps": 0, "seed": 3, "record_video": False}
    config = resolve(str(example_file(".yaml")), settings)
    results = evaluate_in_simulated_time(config, FixedPolicy(config, policy), episodes=3)
    assert not any(result.random for result in results)
    mean = sum(result.target_term for result in results) / len(results)
    assert mean > 2 * success_threshold(config)  # an arm at rest gets at most 3.3, one that moves at random about 1


def test_example_is_small_and_its_card_is_of_it() -> None:
    policy = example_file(".safetensors")
    card = json.loads(example_file(".json").read_text())
    stored = read_checkpoint(policy)
    assert policy.stat().st_size < 600_000
    assert (card["updates"], card["env_steps"], card["bytes"]) == (
        stored.updates, stored.env_steps, policy.stat().st_size
    )  # fmt: skip
    assert all(name.startswith(("encoder.", "actor.")) for name in stored.arrays)
    assert card["evaluation_without_noise"]["target_term_mean"] > 10


def test_example_run_can_be_evaluated_as_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = make_example_run(NOW)
    assert run == tmp_path / "runs" / "20260504-030201-reaching-ur5_reaching"
    config = configure(run, {"episodes": "2"}, run / "evaluations" / "now")
    [checkpoint] = (run / "checkpoints").iterdir()
    assert FixedPolicy(config, checkpoint).updates == read_checkpoint(checkpoint).updates
    assert config.episodes == 2 and config.record_video


def test_example_that_is_not_installed_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example, "NAME", "no_such_example")
    with pytest.raises(ConfigError, match=r"the example policy is not installed: .* is missing; run make build"):
        example_file(".yaml")
