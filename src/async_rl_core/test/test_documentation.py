"""The examples of docs/adding-a-task.md and docs/adding-an-algorithm.md, as written there: installed, and used."""

import re
import tomllib
from itertools import islice
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from async_rl_core.bringup.arguments import configure
from async_rl_core.config.load import read_config, resolve, write_config
from async_rl_core.errors import ConfigError
from async_rl_core.experiments.simulated_run import SimulatedRun
from async_rl_core.gym.registration import register
from async_rl_core.learning.sequential import SequentialLearning
from async_rl_core.tasks.registry import make_target, make_task

from .conftest import Install

DOCS = Path(__file__).resolve().parents[3] / "docs"
SHORT = {"agent.episode_duration": 0.8, "agent.reset_duration": 0.6, "sim.renderer": "raycast"}
SMALL = {"agent.initial_steps": 20, "learner.threads": 1, "learning.batch_size": 8, "sac.hidden_sizes": [16]}


def installed(page: str, install: Install) -> Path:
    """The folder in which a page's files are, installed as its pyproject.toml says."""
    text = (DOCS / page).read_text(encoding="utf-8")
    files = dict(re.findall(r"^`([\w.]+)`[^\n]*:\n```\w+\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    ((group, entries),) = tomllib.loads(files["pyproject.toml"])["project"]["entry-points"].items()
    ((name, value),) = entries.items()
    return install(group, f"{name} = {value}", files)


@pytest.fixture
def circling(install: Install) -> Path:
    return installed("adding-a-task.md", install)


def test_the_task_is_one_like_any_other(circling: Path, tmp_path: Path) -> None:
    config = configure({"task": "circling"})
    assert (config.task, config.agent.episode_duration, config.parameters["period"]) == ("circling", 5.0, 6.0)
    assert configure({"task": "circling", "robot": "panda"}).robot.name == "panda"
    write_config(config, tmp_path / "config.yaml")
    assert read_config(tmp_path / "config.yaml") == config
    target = make_target(config)
    places = [target.position(0.5 * i) for i in range(13)]
    assert places[0] == pytest.approx(places[12]) and len(set(places[:12])) == 12
    assert make_task(config).success == 0.05


def test_a_wrong_parameter_is_named_with_its_line(circling: Path) -> None:
    path = circling / "circling.yaml"
    path.write_text(path.read_text().replace("period:", "perod:"))
    with pytest.raises(ConfigError, match=r"circling\.yaml:7: parameters\.perod: unknown key; did you mean 'period'\?"):
        resolve("laptop", {"task": "circling"})


def test_an_arm_learns_the_task(circling: Path) -> None:
    config = resolve("laptop", {**SHORT, **SMALL, "task": "circling", "architecture": "seq"})
    learning = SequentialLearning(config)
    run = SimulatedRun(config, learning)
    results = list(islice(run.episodes(), 2))
    run.close()
    assert learning.updates > 0 and run.guard.fault is None
    assert all(result.target_term > 0 for result in results)
    assert results[0].episode_return == pytest.approx(25.0 * 0.04 * 20 * results[0].target_term)


def test_the_task_is_an_environment(circling: Path) -> None:
    register()
    env = gymnasium.make("async_rl/UR5Circling-v0", preset="laptop", overrides=SHORT)
    before, _ = env.reset(seed=1)
    after, *_ = env.step(env.action_space.sample())
    env.close()
    assert env.observation_space.contains(after) and not np.array_equal(before["image"], after["image"])


def test_the_algorithm_is_what_learns(install: Install) -> None:
    installed("adding-an-algorithm.md", install)
    config = resolve("laptop", {**SHORT, **SMALL, "algorithm": "mean_sac", "architecture": "seq"})
    learning = SequentialLearning(config)
    run = SimulatedRun(config, learning)
    next(run.episodes())
    run.close()
    assert type(learning.learner.algorithm).__name__ == "MeanSAC"
    assert learning.updates > 0
