"""Seq-SAC in simulated time: the whole loop, and bit for bit the same again."""

import numpy as np
import pytest

from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.experiments import simulated_run
from async_rl_core.experiments.simulated_run import SimulatedRun
from async_rl_core.learning.sequential import SequentialLearning
from async_rl_core.sim.raycast import RaycastRenderer

OVERRIDES = {
    "architecture": "seq",
    "camera.width": 80,
    "camera.height": 45,
    "agent.episode_duration": 1.0,
    "agent.reset_duration": 1.0,
    "agent.initial_steps": 40,
    "learning.batch_size": 8,
    "sac.hidden_sizes": [32, 32],
    "learner.threads": 1,
    "learner.max_updates_per_step": 1.0,
    "sim.renderer": "raycast",
    "sim.image_noise": 2.0,
    "sim.joint_noise": 0.001,
}


def config(seed: int = 1, **more: object) -> Config:
    return resolve("laptop", {**OVERRIDES, "seed": seed, **more})


def learned(settings: Config, episodes: int) -> tuple[np.ndarray, list[float]]:
    learning = SequentialLearning(settings)
    run = SimulatedRun(settings, learning)
    results = run.episodes()
    returns = [next(results).episode_return for _ in range(episodes)]
    run.close()
    assert run.guard.fault is None
    assert learning.updates > 0
    return learning.learner.algorithm.policy_parameters().copy(), returns


def test_simulated_run_same_seed_gives_the_same_parameters_bit_for_bit():
    first, again = learned(config(), 4), learned(config(), 4)
    assert first[0].tobytes() == again[0].tobytes()
    assert first[1] == again[1]


def test_simulated_run_another_seed_gives_others():
    assert learned(config(), 3)[0].tobytes() != learned(config(seed=2), 3)[0].tobytes()


def test_simulated_run_as_many_updates_as_steps_after_the_random_ones():
    learning = SequentialLearning(config())
    run = SimulatedRun(config(), learning)
    results = run.episodes()
    for _ in range(3):
        result = next(results)
    run.close()
    assert result.env_steps == 75
    assert learning.updates == result.env_steps - 40 + 1


@pytest.mark.parametrize("cycle", [0.04, 0.08, 0.12])
def test_simulated_run_episode_lasts_its_duration_whatever_the_cycle(cycle):
    settings = config(**{"agent.action_cycle_time": cycle, "guard.watchdog": 0.2, "agent.episode_duration": 2.4})
    run = SimulatedRun(settings, SequentialLearning(settings))
    result = next(run.episodes())
    run.close()
    assert result.env_steps == round(2.4 / cycle)


@pytest.mark.parametrize("cycle", [0.04, 0.08])
def test_simulated_run_images_left_out_during_resets_change_no_bit(cycle, monkeypatch):
    quiet = {"sim.image_noise": 0.0, "agent.initial_steps": 20, "agent.action_cycle_time": cycle, "guard.watchdog": 0.2}
    drawn = []
    original = RaycastRenderer.render
    monkeypatch.setattr(RaycastRenderer, "render", lambda *words: drawn.append(1) or original(*words))
    skipping = learned(config(**quiet), 3)
    few, drawn[:] = len(drawn), []
    monkeypatch.setattr(simulated_run, "_may_skip", lambda settings: False)
    whole = learned(config(**quiet), 3)
    assert skipping[0].tobytes() == whole[0].tobytes()
    assert skipping[1] == whole[1]
    assert few < 0.75 * len(drawn)
