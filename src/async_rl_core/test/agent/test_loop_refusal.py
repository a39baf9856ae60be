"""Steps that hold what cannot be learned from: none is stored, the episode is left, and it is said why."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from async_rl_core.agent.episode_state_machine import Phase
from async_rl_core.config.schema import Config
from async_rl_core.errors import AsyncRLError

from .loop_bench import Bench


def raising(image: np.ndarray) -> tuple[float, float]:
    raise ValueError("no target\nto be seen")


REWARDS: dict[str, tuple[Callable[[np.ndarray], Any], str]] = {
    "NaN": (lambda image: (math.nan, 1.0), "its reward is nan (float), not finite in float32"),
    "infinite": (lambda image: (-math.inf, 1.0), "its reward is -inf (float), not finite in float32"),
    "beyond float32": (lambda image: (1e39, 1.0), "its reward is 1e+39 (float), not finite in float32"),
    "target term": (lambda image: (0.0, np.float32("nan")), "its target term is"),
    "text": (lambda image: ("1.0", 1.0), "its reward is '1.0' (str), not a number"),
    "an array": (lambda image: (np.ones(2), 1.0), "its reward is array([1., 1.]) (ndarray), not a number"),
    "none": (lambda image: None, "its reward returned None (NoneType), not a reward and its term"),
    "one number": (lambda image: 1.0, "its reward returned 1.0 (float), not a reward and its term"),
    "raises": (raising, "its reward raised ValueError('no target\\nto be seen')"),
}


@pytest.mark.parametrize("name", REWARDS)
@pytest.mark.parametrize("last", [False, True])
def test_loop_reward_that_cannot_be_stored_leaves_the_episode(bench: Bench, name: str, last: bool) -> None:
    bench.until(episodes=1)
    recorded = len(bench.steps)
    reward, why = REWARDS[name]
    right = bench.reward
    while bench.loop.recorder.index < (100 if last else 40) or bench.loop.phase is not Phase.RUNNING:
        bench.cycle()
    bench.reward = reward  # type: ignore[method-assign]
    bench.cycle()
    bench.reward = right  # type: ignore[method-assign]
    assert (bench.loop.refused, bench.loop.episodes.aborted) == (1, 1)
    assert bench.loop.refusal.startswith(f"task '{bench.config.task}': {why}")
    assert "\n" not in bench.loop.refusal
    bench.until(episodes=2)
    assert bench.loop.refused == 1
    assert [result.episode for result in bench.results] == [1, 2]
    assert all(step.is_finite for step in bench.steps)
    assert [step.sequence for step in bench.steps] == list(range(len(bench.steps)))
    whole = [step for step in bench.steps[recorded:] if step.episode == 3]
    assert [step.index for step in whole] == list(range(101))


def test_loop_joint_angles_beyond_float32_are_refused(bench: Bench) -> None:
    bench.until(episodes=1)
    while bench.loop.phase is not Phase.RUNNING or bench.loop.recorder.index < 10:
        bench.cycle()
    bench.position[0] = 1e300
    assert not bench.cycle().any()
    assert bench.loop.refused == 1
    assert "hold values that are not finite in float32" in bench.loop.refusal
    assert all(step.is_finite for step in bench.steps)


def test_loop_action_that_is_not_finite_never_becomes_a_command(bench: Bench) -> None:
    bench.until(episodes=1)
    bench.policy.act = lambda images, state: np.full(5, np.nan, np.float32)  # type: ignore[method-assign]
    for _ in range(150):
        assert np.isfinite(bench.cycle()).all()
    assert bench.loop.refused >= 1
    assert "the policy's action holds values that are not finite" in bench.loop.refusal
    assert all(step.is_finite for step in bench.steps)


@pytest.mark.parametrize("poses", [((1.0, 2.0),), ((math.nan,) * 6,), ("pose",)])
def test_loop_reset_poses_that_are_none_are_an_error_with_the_task(config: Config, poses: Any) -> None:
    with pytest.raises(AsyncRLError, match=f"task '{config.task}': "):
        Bench(config, waypoints=poses).cycle()


def test_loop_numbers_only_episodes_that_ended(bench: Bench) -> None:
    bench.until(episodes=1)
    for _ in range(120):
        bench.cycle()
    bench.blocked_by = "the guard to be armed"
    bench.cycle()
    bench.blocked_by = ""
    bench.until(episodes=3)
    assert [result.episode for result in bench.results] == [1, 2, 3]
    assert sorted({step.episode for step in bench.steps}) == [1, 2, 3, 4]  # that of its steps is no other's
