"""Moving targets: seeded, visible as a whole, and as fast as they should be."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from async_rl_core.errors import ConfigError
from async_rl_core.tasks.target import Picture
from async_rl_core.tasks.tracking import TrackingTarget

from .targets import EPISODES, PAPER, PICTURES, SEEDS, assert_alike

TICK = 0.032


def inside(picture: Picture, position: tuple[float, float]) -> bool:
    x, y, margin = *position, picture.radius - 1e-9
    return margin <= x <= picture.width - margin and margin <= y <= picture.height - margin


@settings(max_examples=30)
@given(seed=SEEDS, episode=EPISODES, other=EPISODES, elapsed=st.floats(0, 100))
def test_tracking_same_seed_and_episode_give_the_same_path(seed: int, episode: int, other: int, elapsed: float) -> None:
    first, second = TrackingTarget(PAPER, 1.0, TICK, seed), TrackingTarget(PAPER, 1.0, TICK, seed)
    assert_alike(first, second, episode, other, elapsed)


@settings(max_examples=60)
@given(picture=PICTURES, part=st.floats(0.01, 1), seed=SEEDS, episode=EPISODES)
def test_tracking_it_stays_visible_at_constant_speed(picture: Picture, part: float, seed: int, episode: int) -> None:
    speed = part * min(picture.room) / 2
    target = TrackingTarget(picture, speed, TICK, seed)
    target.reset(episode)
    path = [target.position(n * TICK) for n in range(300)]
    assert path[0] == (picture.width / 2, picture.height / 2)
    for (x0, y0), (x1, y1) in itertools.pairwise(path):
        assert inside(picture, (x1, y1))
        assert math.hypot(x1 - x0, y1 - y0) == pytest.approx(speed)


@settings(max_examples=40)
@given(seed=SEEDS, episode=EPISODES)
def test_tracking_it_bounces_as_in_the_authors_code(seed: int, episode: int) -> None:
    target = TrackingTarget(PAPER, 1.0, TICK, seed)
    target.reset(episode)
    x, y = target.position(0)
    velocity_x, velocity_y = (b - a for a, b in zip((x, y), target.position(TICK), strict=True))
    for tick in range(1, 600):
        if x + velocity_x + 7 > 160 + 1e-9 or x + velocity_x - 7 < -1e-9:
            velocity_x = -velocity_x
        if y + velocity_y + 7 > 90 + 1e-9 or y + velocity_y - 7 < -1e-9:
            velocity_y = -velocity_y
        x, y = x + velocity_x, y + velocity_y
        assert target.position(tick * TICK) == pytest.approx((x, y), abs=1e-6)


def test_tracking_it_holds_between_ticks() -> None:
    target = TrackingTarget(PAPER, 1.0, TICK, 3)
    assert target.position(0.031) == target.position(0.0)
    assert target.position(0.033) != target.position(0.0)
    assert target.position(0.033) == target.position(0.063)


def test_tracking_directions_differ_between_episodes() -> None:
    target = TrackingTarget(PAPER, 1.0, TICK, 3)
    places = set()
    for episode in range(10):
        target.reset(episode)
        places.add(target.position(1.0))
    assert len(places) == 10


def test_tracking_speed_of_nought_stands_still() -> None:
    target = TrackingTarget(PAPER, 0.0, TICK, 3)
    assert target.position(50.0) == (80, 45)


def test_tracking_step_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"39 units a tick .* at most 38"):
        TrackingTarget(PAPER, 39.0, TICK, 1)
