"""Still targets: seeded, and visible as a whole."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from async_rl_core.errors import ConfigError
from async_rl_core.tasks.reaching import ReachingTarget
from async_rl_core.tasks.target import Picture

from .targets import EPISODES, PAPER, PICTURES, SEEDS, assert_alike


@settings(max_examples=30)
@given(seed=SEEDS, episode=EPISODES, other=EPISODES, elapsed=st.floats(0, 100))
def test_reaching_seed_and_episode_give_the_target(seed: int, episode: int, other: int, elapsed: float) -> None:
    first, second = ReachingTarget(PAPER, seed), ReachingTarget(PAPER, seed)
    assert_alike(first, second, episode, other, elapsed)


@settings(max_examples=60)
@given(picture=PICTURES, seed=SEEDS, episode=EPISODES)
def test_reaching_it_is_visible_and_still(picture: Picture, seed: int, episode: int) -> None:
    target = ReachingTarget(picture, seed)
    target.reset(episode)
    x, y = target.position(0)
    margin = picture.radius - 1e-9
    assert margin <= x <= picture.width - margin and margin <= y <= picture.height - margin
    assert target.position(0) == target.position(3.7)


def test_reaching_targets_cover_the_picture() -> None:
    target = ReachingTarget(PAPER, 1)
    quarters = set()
    for episode in range(60):
        target.reset(episode)
        x, y = target.position(0)
        quarters.add((x < 80, y < 45))
    assert len(quarters) == 4


def test_reaching_target_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"radius of 46 does not fit .* at most 45"):
        ReachingTarget(Picture(160, 90, 46), 1)
