"""Images are trusted while they show something new, or the arm does not move."""

import numpy as np
import pytest

from async_rl_core.agent.camera_health import BLACK, FROZEN, IN_THE_DARK, MOTION, TIMEOUT, CameraHealth
from async_rl_core.agent.observation import Frame

PERIOD = 0.04
NOISE = np.random.default_rng(1)


def frame(image: np.ndarray, now: float) -> Frame:
    return Frame(image, int(1e9 * now), now)


def picture(level: float = 100.0) -> np.ndarray:
    return NOISE.normal(level, 3.0, (45, 80, 3)).clip(0, 255).astype(np.uint8)


def seconds_until(sight: CameraHealth, trouble: str, image: np.ndarray, speed: float) -> float:
    """Returns the seconds until copies of `image` are trouble, for a joint that moves at `speed` rad/s."""
    for i in range(200):
        assert not sight.see(frame(image.copy(), 10 + i * PERIOD), np.array([0.0, speed * i * PERIOD]))
        if sight.trouble:
            assert sight.trouble == trouble
            return i * PERIOD
    return np.inf


@pytest.fixture
def sight() -> CameraHealth:
    sight = CameraHealth()
    assert sight.see(frame(picture(), 10 - PERIOD), np.zeros(2))
    return sight


def test_camera_health_new_pictures_are_new_and_each_frame_is_so_once(sight: CameraHealth) -> None:
    for i in range(50):
        newest = frame(picture(), 10 + i * PERIOD)
        assert sight.see(newest, np.full(2, 0.1 * i))
        assert not sight.see(newest, np.full(2, 0.1 * i))
        assert not sight.trouble


def test_camera_health_same_picture_again_and_again_is_noticed_once_the_arm_has_moved(sight: CameraHealth) -> None:
    image = picture()
    assert sight.see(frame(image, 10 - PERIOD / 2), np.zeros(2))
    assert TIMEOUT - PERIOD <= seconds_until(sight, FROZEN, image, speed=0.7) <= TIMEOUT + PERIOD
    assert sight.see(frame(picture(), 30.0), np.zeros(2))
    assert not sight.trouble


def test_camera_health_same_picture_is_right_where_the_arm_rests_or_nothing_is_to_be_seen(sight: CameraHealth) -> None:
    image = picture()
    assert sight.see(frame(image, 10 - PERIOD / 2), np.zeros(2))
    assert seconds_until(sight, FROZEN, image, speed=0.9 * MOTION / (200 * PERIOD)) == np.inf
    wall = np.full((45, 80, 3), 200, np.uint8)
    assert sight.see(frame(wall, 19.0), np.zeros(2))
    assert seconds_until(sight, FROZEN, wall, speed=0.7) == np.inf


@pytest.mark.parametrize("level", [0.0, 6.0])
def test_camera_health_black_is_noticed_with_its_noise_and_at_rest(sight: CameraHealth, level: float) -> None:
    for i in range(100):
        assert not sight.see(frame(picture(level), 10 + i * PERIOD), np.zeros(2))
        assert bool(sight.trouble) == (i * PERIOD >= TIMEOUT - 1.01 * PERIOD)
    assert sight.trouble == IN_THE_DARK
    assert sight.see(frame(picture(BLACK + 5), 20.0), np.zeros(2))
    assert not sight.trouble


def test_camera_health_camera_that_was_black_from_the_start_is_not_trusted() -> None:
    sight = CameraHealth()
    assert not sight.see(frame(picture(0.0), 0.0), np.zeros(2))
    assert sight.trouble == IN_THE_DARK


def test_camera_health_after_the_dark_the_same_picture_is_right() -> None:
    sight, image = CameraHealth(), picture()
    assert sight.see(frame(image, 0.0), np.zeros(2))
    assert not sight.see(frame(np.zeros_like(image), TIMEOUT), np.zeros(2))
    assert sight.trouble == IN_THE_DARK
    assert not sight.see(frame(image.copy(), TIMEOUT + PERIOD), np.zeros(2))
    assert not sight.trouble
