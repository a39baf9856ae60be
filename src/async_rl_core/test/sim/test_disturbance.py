"""Disturbances: nothing at zero, seeded, and of the size that was asked for."""

import numpy as np
import pytest

from async_rl_core.config.schema import Config
from async_rl_core.sim.disturbance import DelayLine, SensorNoise

GREY = np.full((45, 80, 3), 128, np.uint8)
ANGLES = np.zeros(6)


def noise(config: Config, seed: int = 1, **changes: float) -> SensorNoise:
    return SensorNoise(config.sim.model_copy(update=changes), seed)


def test_disturbance_off_by_default(config: Config) -> None:
    quiet = noise(config)
    assert quiet.image(GREY) is GREY
    assert quiet.position(ANGLES) is ANGLES


def test_disturbance_size_and_seed(config: Config) -> None:
    first, again, other = (noise(config, seed, image_noise=10.0, joint_noise=0.01) for seed in (1, 1, 2))
    image = first.image(GREY)
    assert image.astype(float).std() == pytest.approx(10.0, rel=0.05)
    np.testing.assert_array_equal(image, again.image(GREY))
    assert (image != other.image(GREY)).any()
    angles = np.array([first.position(ANGLES) for _ in range(2000)])
    assert angles.std() == pytest.approx(0.01, rel=0.05)


def test_disturbance_streams_are_independent(config: Config) -> None:
    first, again = (noise(config, image_noise=10.0, joint_noise=0.01) for _ in range(2))
    first.position(ANGLES)
    np.testing.assert_array_equal(first.image(GREY), again.image(GREY))


def test_disturbance_noise_does_not_wrap(config: Config) -> None:
    image = noise(config, image_noise=30.0).image(np.full((45, 80, 3), 250, np.uint8))
    assert image.min() > 80


def test_disturbance_delay_keeps_order_and_time() -> None:
    delay: DelayLine[str] = DelayLine(0.1)
    assert delay.next_due is None
    delay.push("a", 1.0)
    delay.push("b", 1.04)
    assert delay.next_due == pytest.approx(1.1)
    assert delay.due(1.09) == []
    assert delay.due(1.1) == ["a"]
    assert delay.due(2.0) == ["b"]
