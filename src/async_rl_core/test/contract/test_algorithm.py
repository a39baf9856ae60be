"""The contract of `async_rl_core.algorithms.base`, for every installed algorithm and for a plug-in from outside."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from async_rl_core.algorithms.base import Algorithm, AlgorithmConfig, AlgorithmSetup, DivergenceError
from async_rl_core.algorithms.registry import algorithm_config, make_algorithm, make_policy
from async_rl_core.config.algorithm import GROUP, algorithms
from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.errors import ConfigError
from async_rl_core.learning.checkpoint import LearnerSnapshot, load_policy, restore
from async_rl_core.learning.checkpoint_file import CheckpointError, read_checkpoint
from async_rl_core.policies.base import LearnedPolicy
from async_rl_core.spec.batch import Batch, BatchLayout
from async_rl_core.spec.observation import ImageSpec, ObservationSpec, StatePart

from ..conftest import Install

ACTIONS = 2
ARM, HIDDEN = StatePart("joint_position", 3, "rad"), StatePart("target_position", 2, "m", privileged=True)
SPECS = {
    "images": ObservationSpec(ImageSpec(17, 21, 6), (ARM,)),
    "state": ObservationSpec(None, (ARM,)),
    "privileged": ObservationSpec(None, (ARM, HIDDEN)),
}
OUTSIDE = "patient_ddpg"
OUTSIDE_FILES = {
    "patient_config.py": """
from async_rl_core.algorithms.ddpg.config import DDPGConfig

class PatientConfig(DDPGConfig):
    inherits = "ddpg"
    patience: int = 2

    def make_algorithm(self, setup, device):
        from patient_learner import PatientDDPG
        return PatientDDPG(self, setup, device)
""",
    "patient_learner.py": """
from async_rl_core.algorithms.ddpg.ddpg import DDPG

class PatientDDPG(DDPG):
    def step(self, actor, targets):
        for _ in range(self.config.patience):
            features = self.update_critic()
        if actor:
            self.update_actor(features)
""",
}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(params=[*algorithms(), OUTSIDE])
def config(request: pytest.FixtureRequest, install: Install) -> AlgorithmConfig:
    name = request.param
    if name == OUTSIDE:
        install(GROUP, f"{OUTSIDE} = patient_config:PatientConfig", OUTSIDE_FILES)
    small = {"encoder_channels": 4, "encoder_strides": [2, 2], "hidden_sizes": [16, 16]}
    settings = {f"{name}.{key}": value for key, value in small.items()}
    return algorithm_config(resolve("yuan2022_baseline", {"algorithm": name, **settings}))


@pytest.fixture(params=SPECS)
def setup(request: pytest.FixtureRequest, config: AlgorithmConfig) -> AlgorithmSetup:
    learning = resolve("yuan2022_baseline").learning.model_copy(update={"batch_size": 8})
    return AlgorithmSetup("tested", learning, SPECS[request.param], ACTIONS, seed=1)


def make_batch(setup: AlgorithmSetup, seed: int) -> Batch:
    batch, rng = BatchLayout(setup.learning.batch_size, setup.spec, ACTIONS).allocate(), np.random.default_rng(seed)
    for images in (batch.observation_images, batch.next_images):
        images[:] = rng.integers(0, 256, images.shape)
    for array in (batch.observation_state, batch.next_state, batch.reward):
        array[:] = rng.normal(size=array.shape)
    batch.action[:] = rng.uniform(-1, 1, batch.action.shape)
    batch.bootstrap[:] = 0.99
    batch.weight[:] = 1.0
    return batch


def learn(algorithm: Algorithm, setup: AlgorithmSetup, updates: range) -> list[dict[str, float]]:
    return [algorithm.update(make_batch(setup, i)) for i in updates]


def act(policy: LearnedPolicy, setup: AlgorithmSetup, seed: int, deterministic: bool = True) -> np.ndarray:
    batch = make_batch(setup, seed)
    return policy.act(batch.observation_images[0], batch.observation_state[0], deterministic).copy()


def test_update_of_two_learners_of_one_seed_gives_the_same_bits(config: AlgorithmConfig, setup: AlgorithmSetup) -> None:
    first, second = (config.make_algorithm(setup, "cpu") for _ in range(2))
    assert learn(first, setup, range(4)) == learn(second, setup, range(4))
    np.testing.assert_array_equal(first.policy_parameters(), second.policy_parameters())
    other = config.make_algorithm(replace(setup, seed=2), "cpu")
    assert (other.policy_parameters() != first.policy_parameters()).any()


def test_update_reports_finite_metrics_and_moves_the_policy(config: AlgorithmConfig, setup: AlgorithmSetup) -> None:
    algorithm = config.make_algorithm(setup, "cpu")
    before = algorithm.policy_parameters().copy()
    assert before.shape == (algorithm.policy_size,) and before.dtype == np.float32
    reports = learn(algorithm, setup, range(4))
    assert all(np.isfinite(value) for report in reports for value in report.values()) and reports[0]
    assert algorithm.updates == 4
    assert tuple(algorithm.td_error.shape) == (8,) and bool((algorithm.td_error >= 0).all())
    assert (algorithm.policy_parameters() != before).any() and np.isfinite(algorithm.policy_parameters()).all()
    assert algorithm.update(make_batch(setup, 9), report=False) == {}


def test_policy_of_the_seed_is_the_learners_first(config: AlgorithmConfig, setup: AlgorithmSetup) -> None:
    policy, loaded = config.make_policy(setup), config.make_policy(replace(setup, seed=3))
    assert policy.size == loaded.size == config.make_algorithm(setup, "cpu").policy_size
    loaded.load(config.make_algorithm(setup, "cpu").policy_parameters())
    np.testing.assert_array_equal(act(policy, setup, 0), act(loaded, setup, 0))


def test_act_returns_bounded_actions_whose_noise_follows_from_the_episode(
    config: AlgorithmConfig, setup: AlgorithmSetup
) -> None:
    policy = config.make_policy(setup)
    actions = []
    for episode in (5, 6, 5):
        policy.begin_episode(episode)
        actions.append(np.stack([act(policy, setup, i, deterministic=False) for i in range(5)]))
    assert all(np.abs(rows).max() <= 1.0 and rows.shape == (5, ACTIONS) for rows in actions)
    np.testing.assert_array_equal(actions[0], actions[2])
    assert (actions[0] != actions[1]).any()
    np.testing.assert_array_equal(act(policy, setup, 0), act(policy, setup, 0))


def test_deterministic_network_acts_as_the_policy(config: AlgorithmConfig, setup: AlgorithmSetup) -> None:
    policy, batch = config.make_policy(setup), make_batch(setup, 0)
    images = torch.from_numpy(batch.observation_images[:1].copy()).permute(0, 3, 1, 2).float()
    state = torch.from_numpy(batch.observation_state[:1, : setup.spec.policy_size].copy())
    with torch.no_grad():
        action = policy.deterministic_network()(images, state)[0].numpy()
    np.testing.assert_allclose(action, act(policy, setup, 0), atol=1e-5)


def test_act_does_not_depend_on_privileged_state(config: AlgorithmConfig, setup: AlgorithmSetup) -> None:
    policy, batch = config.make_policy(setup), make_batch(setup, 0)
    seen = policy.act(batch.observation_images[0], batch.observation_state[0], True).copy()
    batch.observation_state[0, setup.spec.policy_size :] = 100.0
    np.testing.assert_array_equal(policy.act(batch.observation_images[0], batch.observation_state[0], True), seen)


def test_checkpoint_restores_the_learner_bit_for_bit(
    config: AlgorithmConfig, setup: AlgorithmSetup, tmp_path: Path
) -> None:
    algorithm, path = config.make_algorithm(setup, "cpu"), tmp_path / "checkpoint.safetensors"
    learn(algorithm, setup, range(4))
    snapshot = LearnerSnapshot(algorithm)
    snapshot.take(env_steps=30)
    snapshot.write(path)
    other, policy = config.make_algorithm(replace(setup, seed=2), "cpu"), config.make_policy(replace(setup, seed=2))
    restore(other, read_checkpoint(path), path)
    assert load_policy(path, policy, setup.name) == (4, 30)
    live = config.make_policy(setup)
    live.load(algorithm.policy_parameters())
    np.testing.assert_array_equal(act(policy, setup, 0), act(live, setup, 0))
    assert learn(algorithm, setup, range(4, 6)) == learn(other, setup, range(4, 6))
    np.testing.assert_array_equal(algorithm.policy_parameters(), other.policy_parameters())
    with pytest.raises(CheckpointError, match="is of algorithm 'tested', and the run's is 'another'"):
        load_policy(path, policy, "another")


def test_update_with_a_reward_that_is_not_finite_names_the_algorithms_keys(
    config: AlgorithmConfig, setup: AlgorithmSetup
) -> None:
    algorithm, batch = config.make_algorithm(setup, "cpu"), make_batch(setup, 0)
    before = algorithm.policy_parameters().copy()
    batch.reward[0] = np.nan
    with pytest.raises(DivergenceError, match=r"lower tested\.critic_learning_rate or learning\.reward_scale"):
        algorithm.update(batch)
    after = torch.cat([p.flatten() for name in ("encoder", "actor") for p in algorithm.networks[name].parameters()])
    assert bool(torch.isfinite(after).all()) and before.size == after.numel()


BROKEN = """
from async_rl_core.algorithms.ddpg.config import DDPGConfig

class Broken(DDPGConfig):
    inherits = "ddpg"

    def make_policy(self, setup, threads=1):
        policy = super().make_policy(setup, threads)
        policy.choose = lambda features, state, deterministic: self.broken(setup)
        return policy

    def broken(self, setup):
        import torch
        return {action}
"""


def broken(install: Install, text: str) -> Config:
    install(GROUP, "broken = broken_config:Broken", {"broken_config.py": text})
    return resolve("laptop", {"algorithm": "broken"})


@pytest.mark.parametrize(
    ("action", "expected"),
    [("torch.zeros(1, 9)", r"\(9,\), not float32 \(5,\)"), ("torch.full((1, 5), torch.nan)", "must be finite")],
)
def test_make_policy_of_a_broken_plug_in_names_it(install: Install, action: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=f"algorithm 'broken' breaks its contract: its policy .*{expected}"):
        make_policy(broken(install, BROKEN.format(action=action)))


def test_make_algorithm_with_td_errors_of_another_shape_names_it(install: Install) -> None:
    text = (
        BROKEN.format(action="None")
        + """
    def make_algorithm(self, setup, device):
        algorithm = super().make_algorithm(setup, device)
        algorithm.td_error = algorithm.td_error[:3]
        return algorithm
"""
    )
    with pytest.raises(ConfigError, match=r"algorithm 'broken' breaks its contract: td_error has shape \(3,\)"):
        make_algorithm(broken(install, text), "cpu")


def test_resolve_with_a_plug_in_without_a_section_names_it(install: Install) -> None:
    with pytest.raises(ConfigError, match=r"'broken' is .* does not derive from AlgorithmSection"):
        broken(install, "class Broken:\n    pass\n")
