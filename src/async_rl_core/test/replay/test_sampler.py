import numpy as np

from async_rl_core.replay.sampler import UniformSampler


def test_every_transition_is_as_likely_as_every_other() -> None:
    numbers, weight = UniformSampler(np.random.default_rng(0)).sample(50_000, 1000, 1050)
    assert weight == 1.0
    counts = np.bincount(numbers - 1000, minlength=50)
    assert len(counts) == 50
    chi_squared = ((counts - 1000.0) ** 2 / 1000.0).sum()
    assert chi_squared < 85.4  # 49 degrees of freedom, p = 0.001


def test_a_seed_decides() -> None:
    one, other = (UniformSampler(np.random.default_rng(3)).sample(9, 0, 100)[0] for _ in range(2))
    np.testing.assert_array_equal(one, other)
