"""Every number that the papers and their code give for their runs, against the presets."""

from collections.abc import Iterator
from math import radians

import numpy as np
import pytest

from async_rl_core.algorithms.sac.config import SACConfig
from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.spec.observation import ObservationSpec
from async_rl_core.tasks.reward import RED_LOWER, RED_UPPER

PAPER = ["yuan2022_baseline", "yuan2022_high_resolution", "yuan2022_large_minibatch"]


@pytest.fixture(params=PAPER)
def config(request: pytest.FixtureRequest) -> Config:
    return resolve(request.param)


@pytest.mark.parametrize(
    ("preset", "image", "cropped", "batch_size"),
    [
        ("yuan2022_baseline", (160, 90), (156, 88), 128),
        ("yuan2022_high_resolution", (320, 180), (314, 176), 128),
        ("yuan2022_large_minibatch", (160, 90), (156, 88), 512),
    ],
)
def test_table_5_1(preset: str, image: tuple[int, int], cropped: tuple[int, int], batch_size: int) -> None:
    config = resolve(preset)
    spec = ObservationSpec.from_config(config)
    assert (config.camera.width, config.camera.height) == image
    assert (spec.image.width, spec.image.height) == cropped
    assert config.learning.batch_size == batch_size


def test_table_5_3(config: Config) -> None:
    sac = SACConfig.from_config(config)
    assert (sac.actor_learning_rate, sac.critic_learning_rate, sac.encoder_learning_rate) == (3e-4, 3e-4, 1e-3)
    assert sac.temperature_learning_rate == 1e-4
    assert (sac.actor_update_frequency, sac.target_update_frequency) == (2, 2)
    assert (sac.critic_tau, sac.encoder_tau) == (0.01, 0.05)
    assert sac.initial_temperature == 0.1
    assert config.learning.discount == 0.99
    assert config.agent.initial_steps == 1000
    assert config.replay.capacity == 100_000


def test_networks(config: Config) -> None:
    sac, spec = SACConfig.from_config(config), ObservationSpec.from_config(config)
    assert (sac.encoder_channels, sac.encoder_strides) == (32, (2, 2, 2, 1))
    assert sac.hidden_sizes == (1024, 1024)
    assert not sac.layer_norm and not sac.reuse_features
    assert sac.log_std_bounds == (-10.0, 2.0)
    assert sac.target_entropy is None  # minus the number of actions
    assert (spec.image.channels, spec.state_size) == (9, 15)
    assert (config.agent.frame_stack, len(config.robot.actuated_joints)) == (3, 5)


def test_learning(config: Config) -> None:
    assert config.architecture == "async2"
    assert config.learning.precision == "fp32" and config.learning.reward_scale == 1.0
    assert (config.replay.sampler, config.replay.n_step, config.replay.time_limit) == ("uniform", 1, "bootstrap")
    assert (config.replay.crop_fraction, config.replay.crop_range) == (0.01, "paper")
    assert config.learner.max_updates_per_step == 1.0
    assert config.learner.publish_period == 1


def test_interaction(config: Config) -> None:
    assert config.agent.action_cycle_time == 0.04
    assert 1 / config.robot.state_rate == 0.008
    assert config.camera.rate == 25.0
    assert (config.agent.episode_duration, config.agent.reset_duration) == (4.0, 3.0)
    assert (config.agent.action_scale, config.agent.initial_action_scale) == (0.7, 1.0)


def test_reward(config: Config) -> None:
    reward = config.reward
    assert (reward.form, reward.alpha, reward.beta) == ("paper", 800.0, 1.0)
    assert reward.scale_with_cycle_time and reward.reference_cycle_time == 0.04
    assert (RED_LOWER, RED_UPPER) == ((120, 0, 0), (255, 50, 50))


def test_target(config: Config) -> None:
    target = config.target
    assert (target.width, target.height, target.radius) == (160.0, 90.0, 7.0)
    assert (target.speed, target.tick) == (1.0, 0.032)


def test_arm(config: Config) -> None:
    robot = config.robot
    assert robot.name == "ur5"
    assert robot.start == (1.5707, -2.0, 1.9, -3.0415, -1.5707, 3.1415)
    assert "wrist_3_joint" not in robot.actuated_joints
    lower, upper = robot.limits.position_lower[:5], robot.limits.position_upper[:5]
    assert lower == pytest.approx([radians(angle) for angle in (55, -120, 0, -215, -135)], abs=1e-3)
    assert upper == pytest.approx([radians(angle) for angle in (125, -30, 135, -135, -45)], abs=1e-3)
    assert (robot.workspace.lower, robot.workspace.upper) == ((-0.4, 0.1, 0.1), (0.4, 0.8, 0.8))


@pytest.mark.parametrize(
    ("preset", "architecture", "image", "batch_size", "cycle_time", "steps", "initial_steps"),
    [
        ("parsaee2023_async_baseline", "async2", (160, 90), 128, 0.04, 150, 5000),
        ("parsaee2023_async_high_resolution", "async2", (320, 180), 80, 0.04, 150, 5000),
        ("parsaee2023_sync_baseline", "seq", (160, 90), 128, 0.075, 80, 2666),
        ("parsaee2023_sync_high_resolution", "seq", (320, 180), 80, 0.08, 75, 2500),
    ],
)
@pytest.mark.parametrize("robot", ["panda", "fr3"])
def test_the_settings_of_parsaee2023(
    robot: str,
    preset: str,
    architecture: str,
    image: tuple[int, int],
    batch_size: int,
    cycle_time: float,
    steps: int,
    initial_steps: int,
) -> None:
    config = resolve(preset, {}, robot)
    agent, sac = config.agent, SACConfig.from_config(config)
    assert (config.task, config.architecture, config.learning.batch_size) == (
        "visual_reacher",
        architecture,
        batch_size,
    )
    assert (config.camera.width, config.camera.height, config.camera.rate) == (*image, 25.0)
    assert (agent.action_cycle_time, agent.initial_steps) == (cycle_time, initial_steps)
    assert round(agent.episode_duration / agent.action_cycle_time) == steps
    assert (agent.episode_duration, agent.reset_duration, agent.action_scale) == (6.0, 4.0, 0.2)
    assert config.parameters["alpha"] == 0.25
    assert len(config.robot.actuated_joints) == 7
    box = np.subtract(config.robot.workspace.upper, config.robot.workspace.lower)
    assert box == pytest.approx([0.4, 0.6, 0.3])
    rates = (
        sac.actor_learning_rate,
        sac.critic_learning_rate,
        sac.encoder_learning_rate,
        sac.temperature_learning_rate,
    )
    assert set(rates) == {3e-4}
    assert (sac.critic_tau, sac.encoder_tau, sac.actor_update_frequency) == (0.005, 0.005, 1)
    assert (sac.hidden_sizes, sac.layer_norm, config.learner.max_updates_per_step) == ((1024, 1024), False, 1.0)


def test_code_preset_differs_from_the_paper_in_exactly_these_values() -> None:
    paper, code = (dict(leaves(resolve(name).model_dump())) for name in ("yuan2022_baseline", "yuan2022_baseline_code"))
    assert {key: code[key] for key in code if code[key] != paper[key]} == {
        "preset": "yuan2022_baseline_code",
        "agent.action_scale": 0.3,
        "agent.initial_action_scale": 0.3,
        "reward.form": "code",
        "reward.scale_with_cycle_time": False,
        "replay.crop_range": "code",
        "replay.time_limit": "drop",
        "sac.encoder_learning_rate": 3e-4,
        "robot.limits.acceleration": (1.4,) * 6,
    }


def test_code_preset_random_actions_reach_0_09_rad_per_second() -> None:
    agent = resolve("yuan2022_baseline_code").agent
    assert agent.initial_action_scale * agent.action_scale == pytest.approx(0.09)


def leaves(values: dict[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Every setting by its dotted key."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
