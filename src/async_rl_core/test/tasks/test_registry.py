"""Tasks by name: those that are installed, and what is said of others."""

from pathlib import Path

import pytest

from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.config.task import tasks
from async_rl_core.errors import ConfigError
from async_rl_core.tasks.registry import make_target, make_task, task_class
from async_rl_core.tasks.tracking import Tracking


def targets(config: Config, time: float = 1.0) -> list[tuple[float, float]]:
    target = make_target(config)
    positions = []
    for episode in range(1, 21):
        target.reset(episode)
        positions.append(target.position(time))
    return positions


@pytest.mark.parametrize(("task", "robot"), [("reaching", "ur5"), ("tracking", "ur5"), ("visual_reacher", "panda")])
def test_registry_evaluation_has_targets_of_its_own_the_same_for_every_run(task: str, robot: str) -> None:
    def evaluated(seed: int, preset: str = "laptop") -> Config:
        return resolve(preset, {"task": task, "seed": seed, "evaluation.checkpoint": Path("c")}, robot)

    fixed = targets(evaluated(1))
    assert targets(evaluated(1, "yuan2022_baseline")) == fixed
    assert not set(targets(evaluated(2))) & set(fixed)
    for seed in (0, 1, 2, 2**31 - 1):
        assert not set(targets(resolve("laptop", {"task": task, "seed": seed}, robot))) & set(fixed)


def test_registry_suites_own_tasks_are_installed() -> None:
    assert {"reaching", "tracking", "visual_reacher"} <= set(tasks())
    assert task_class("tracking") is Tracking
    assert isinstance(make_task(resolve("laptop", {"task": "tracking"})), Tracking)


def test_registry_unknown_task_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(
        ConfigError, match="task: 'juggling' is not allowed; allowed: reach, reaching, tracking, visual_reacher"
    ):
        resolve("laptop", {"task": "juggling"})
