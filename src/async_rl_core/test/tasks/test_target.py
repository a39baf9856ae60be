"""Targets: seeded, visible as a whole, and as fast as they should be."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from async_rl_core.config.schema import TargetConfig
from async_rl_core.errors import ConfigError
from async_rl_core.tasks.registry import TARGETS
from async_rl_core.tasks.target import ReachingTarget, Target, TrackingTarget

PAPER = TargetConfig(width=160, height=90, radius=7, speed=1, tick=0.032)
CONFIGS = st.builds(
    TargetConfig,
    width=st.floats(30, 400),
    height=st.floats(30, 400),
    radius=st.floats(0.5, 14),
    speed=st.floats(0.1, 9),
    tick=st.just(0.032),
)
SEEDS = st.integers(0, 2**31 - 1)
EPISODES = st.integers(0, 2**32 - 1)


def inside(config: TargetConfig, position: tuple[float, float]) -> bool:
    x, y, margin = *position, config.radius - 1e-9
    return margin <= x <= config.width - margin and margin <= y <= config.height - margin


@pytest.mark.parametrize("task", sorted(TARGETS))
@settings(max_examples=30)
@given(seed=SEEDS, episode=EPISODES, other=EPISODES, elapsed=st.floats(0, 100))
def test_same_seed_and_episode_give_the_same_target(
    task: str, seed: int, episode: int, other: int, elapsed: float
) -> None:
    first: Target = TARGETS[task](PAPER, seed)  # type: ignore[index]
    second: Target = TARGETS[task](PAPER, seed)  # type: ignore[index]
    first.reset(episode)
    second.reset(other)
    second.position(elapsed)
    second.reset(episode)
    assert first.position(elapsed) == second.position(elapsed)


@settings(max_examples=60)
@given(config=CONFIGS, seed=SEEDS, episode=EPISODES)
def test_reaching_target_is_visible_and_still(config: TargetConfig, seed: int, episode: int) -> None:
    target = ReachingTarget(config, seed)
    target.reset(episode)
    assert inside(config, target.position(0))
    assert target.position(0) == target.position(3.7)


def test_reaching_targets_cover_the_picture() -> None:
    target = ReachingTarget(PAPER, 1)
    quarters = set()
    for episode in range(60):
        target.reset(episode)
        x, y = target.position(0)
        quarters.add((x < 80, y < 45))
    assert len(quarters) == 4


@settings(max_examples=60)
@given(config=CONFIGS.filter(lambda c: c.speed <= min(c.width, c.height) / 2 - c.radius), seed=SEEDS, episode=EPISODES)
def test_tracking_target_stays_visible_at_constant_speed(config: TargetConfig, seed: int, episode: int) -> None:
    target = TrackingTarget(config, seed)
    target.reset(episode)
    path = [target.position(n * config.tick) for n in range(300)]
    assert path[0] == (config.width / 2, config.height / 2)
    for (x0, y0), (x1, y1) in itertools.pairwise(path):
        assert inside(config, (x1, y1))
        assert math.hypot(x1 - x0, y1 - y0) == pytest.approx(config.speed)


@settings(max_examples=40)
@given(seed=SEEDS, episode=EPISODES)
def test_tracking_target_bounces_as_in_the_authors_code(seed: int, episode: int) -> None:
    target = TrackingTarget(PAPER, seed)
    target.reset(episode)
    x, y = target.position(0)
    velocity_x, velocity_y = (b - a for a, b in zip((x, y), target.position(PAPER.tick), strict=True))
    for tick in range(1, 600):
        if x + velocity_x + 7 > 160 + 1e-9 or x + velocity_x - 7 < -1e-9:
            velocity_x = -velocity_x
        if y + velocity_y + 7 > 90 + 1e-9 or y + velocity_y - 7 < -1e-9:
            velocity_y = -velocity_y
        x, y = x + velocity_x, y + velocity_y
        assert target.position(tick * PAPER.tick) == pytest.approx((x, y), abs=1e-6)


def test_tracking_target_holds_between_ticks() -> None:
    target = TrackingTarget(PAPER, 3)
    assert target.position(0.031) == target.position(0.0)
    assert target.position(0.033) != target.position(0.0)
    assert target.position(0.033) == target.position(0.063)


def test_tracking_directions_differ_between_episodes() -> None:
    target = TrackingTarget(PAPER, 3)
    places = set()
    for episode in range(10):
        target.reset(episode)
        places.add(target.position(1.0))
    assert len(places) == 10


def test_a_speed_of_nought_stands_still() -> None:
    target = TrackingTarget(PAPER.model_copy(update={"speed": 0.0}), 3)
    assert target.position(50.0) == (80, 45)


@pytest.mark.parametrize("make", TARGETS.values())
def test_a_disc_that_does_not_fit_is_refused(make: type[ReachingTarget]) -> None:
    with pytest.raises(ConfigError, match=r"radius 46 does not fit .* at most 45"):
        make(PAPER.model_copy(update={"radius": 46.0}), 1)


def test_a_step_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"39 units a tick .* at most 38"):
        TrackingTarget(PAPER.model_copy(update={"speed": 39.0}), 1)
