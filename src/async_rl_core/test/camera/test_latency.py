"""The latency that flashes tell, against the one that they were made with."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from async_rl_core.camera.contrast import Contrast
from async_rl_core.camera.latency import LatencyEstimate, measure
from async_rl_core.errors import ImageError

GOLDEN = 0.618


def camera(
    rng: np.random.Generator, latency: float, period: float, *, flashes: int = 40, jitter: float = 0.0
) -> tuple[list[float], list[float], list[float]]:
    """Flashes, stamps and signals of a camera that stamps so late, its frames at any phase of the flashes."""
    interval = (np.ceil(0.4 / period) + GOLDEN) * period
    times = 100 + interval * np.arange(flashes) + rng.uniform(0, 0.002, flashes)
    light = np.arange(99.5 + rng.uniform(0, period), times[-1] + 0.5, period)
    signals = np.where(np.searchsorted(times, light) % 2, -1.0, 1.0)
    stamps = np.sort(light + latency + rng.normal(0, jitter, len(light)))
    return list(times), list(stamps), list(signals)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31), st.floats(-0.03, 0.22), st.sampled_from([15.0, 25.0, 30.0, 60.0]))
def test_measure_finds_any_latency(seed: int, latency: float, rate: float) -> None:
    found = measure(*camera(np.random.default_rng(seed), latency, 1 / rate))
    # The flashes cover a frame evenly but for the 2 ms by which each is late.
    assert found.median == pytest.approx(latency, abs=2.5 / (40 * rate) + 0.001)
    assert abs(found.median - latency) <= found.resolution + 1e-9
    assert (found.spread, found.flashes) == (pytest.approx(0.0, abs=1e-9), 40)


@pytest.mark.parametrize("seed", range(10))
def test_measure_with_real_cameras_errors_finds_the_latency(seed: int) -> None:
    """Stamps that jitter, frames that are lost, a flash that is seen too late, and signals of noisy images."""
    rng = np.random.default_rng(seed)
    flashes, stamps, signals = camera(rng, 0.045, 0.04, flashes=60, jitter=0.003)
    kept = rng.random(len(stamps)) > 0.05
    noisy = np.array(signals) + rng.normal(0, 0.3, len(signals))
    flashes[7] -= 0.1
    found = measure(flashes, list(np.array(stamps)[kept]), list(noisy[kept]))
    assert found.median == pytest.approx(0.045, abs=0.005)
    assert found.spread < 0.01


def test_measure_with_jitter_has_a_larger_spread() -> None:
    steady, shaky = (measure(*camera(np.random.default_rng(1), 0.05, 0.04, jitter=j)) for j in (0.0, 0.01))
    assert steady.spread < 1e-9 < shaky.spread


@pytest.mark.parametrize("signal", [0.0, 1.0])
def test_measure_without_visible_changes_is_refused(signal: float) -> None:
    flashes, stamps, signals = camera(np.random.default_rng(0), 0.0, 0.04)
    with pytest.raises(ImageError, match="saw 0 of 40 changes"):
        measure(flashes, stamps, [signal] * len(signals))
    with pytest.raises(ImageError, match="saw 0 of 40 changes"):
        measure(flashes, [], [])


def test_measure_with_half_of_the_changes_finds_the_latency() -> None:
    flashes, stamps, signals = camera(np.random.default_rng(0), 0.05, 0.04)
    end = int(np.searchsorted(stamps, flashes[22]))
    assert isinstance(measure(flashes, stamps[:end], signals[:end]), LatencyEstimate)
    with pytest.raises(ImageError, match="of 40 changes"):
        measure(flashes, stamps[: end // 2], signals[: end // 2])


def frames(rng: np.random.Generator, red: bool, count: int, noise: float) -> list[np.ndarray]:
    """A red square, left or right, on grey, in noise that would hide it from anyone looking at a single pixel."""
    picture = np.full((45, 80, 3), 120.0)
    picture[18:24, slice(20, 26) if red else slice(50, 56)] = (200, 30, 30)
    return [np.clip(picture + rng.normal(0, noise, picture.shape), 0, 255).astype(np.uint8) for _ in range(count)]


def test_contrast_with_noise_separates_two_pictures() -> None:
    rng = np.random.default_rng(0)
    contrast = Contrast(frames(rng, True, 12, 40.0), frames(rng, False, 12, 40.0))
    for red, sign in ((True, 1), (False, -1)):
        signals = [sign * contrast(frame) for frame in frames(rng, red, 20, 40.0)]
        assert min(signals) > 0.1
    clean = [frames(rng, red, 1, 0.0)[0] for red in (True, False)]
    exact = Contrast([clean[0]] * 2, [clean[1]] * 2)
    assert exact(clean[0]) == pytest.approx(1.0)
    assert exact(clean[1]) == pytest.approx(-1.0)
    assert exact(((clean[0].astype(int) + clean[1]) // 2).astype(np.uint8)) == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize("noise", [0.0, 40.0])
def test_contrast_of_equal_pictures_is_refused(noise: float) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ImageError, match="does not change when the target on the monitor moves"):
        Contrast(frames(rng, True, 12, noise), frames(rng, True, 12, noise))
