"""The target of a run, and of an evaluation."""

from pathlib import Path

import pytest

from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.tasks.registry import make_target


def targets(config: Config, time: float = 1.0) -> list[tuple[float, float]]:
    target = make_target(config)
    positions = []
    for episode in range(1, 21):
        target.reset(episode)
        positions.append(target.position(time))
    return positions


@pytest.mark.parametrize("task", ["reaching", "tracking"])
def test_an_evaluation_has_targets_of_its_own_the_same_for_every_run(task: str) -> None:
    def evaluated(seed: int, preset: str = "laptop") -> Config:
        return resolve(preset, {"task": task, "seed": seed, "evaluation.checkpoint": Path("c")})

    fixed = targets(evaluated(1))
    assert targets(evaluated(1, "paper_baseline")) == fixed
    assert not set(targets(evaluated(2))) & set(fixed)
    for seed in (0, 1, 2, 2**31 - 1):
        assert not set(targets(resolve("laptop", {"task": task, "seed": seed}))) & set(fixed)
