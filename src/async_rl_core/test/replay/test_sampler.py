import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_rl_core.replay.sampler import PrioritisedSampler, SumTree, UniformSampler

WEIGHTS = st.floats(0, 1e6, allow_subnormal=False)
"""Those whose half is not rounded to nothing, or to themselves."""


@given(
    size=st.integers(1, 40),
    changes=st.lists(st.lists(st.tuples(st.integers(0, 39), WEIGHTS), max_size=8), max_size=8),
    seed=st.integers(0, 2**32 - 1),
)
def test_sum_tree_equals_a_cumulative_sum(size: int, changes: list[list[tuple[int, float]]], seed: int) -> None:
    tree, weights = SumTree(size), np.zeros(size)
    for change in changes:
        latest = {item % size: weight for item, weight in change}
        items, values = np.array([*latest], np.int64), np.array([*latest.values()])
        tree[items] = values
        weights[items] = values
    np.testing.assert_array_equal(tree[np.arange(size)], weights)
    assert tree.total == pytest.approx(weights.sum())
    if tree.total > 0:
        found = tree.find(np.random.default_rng(seed).random(50) * tree.total)
        assert (weights[found] > 0).all()
        ends = np.cumsum(weights)
        middles = ends - weights / 2
        heavy = weights > 1e-9 * ends[-1]
        np.testing.assert_array_equal(tree.find(middles[heavy]), np.arange(size)[heavy])


def test_sum_tree_at_its_end_finds_the_last_item_with_a_weight() -> None:
    tree = SumTree(5)
    tree[np.array([1, 3])] = np.array([0.1, 0.7])
    assert tree.find(np.array([tree.total, 2 * tree.total])).tolist() == [3, 3]


def draws(sampler: PrioritisedSampler, first: int, end: int, count: int = 20_000) -> np.ndarray:
    numbers, _ = sampler.sample(count, first, end)
    return np.bincount(numbers - first, minlength=end - first) / count


def test_prioritised_sampler_draws_new_transitions_like_the_largest_error() -> None:
    sampler = PrioritisedSampler(np.random.default_rng(0), 10, 1.0, 0.5)
    np.testing.assert_allclose(draws(sampler, 0, 2), [0.5, 0.5], atol=0.02)
    sampler.reprioritise(np.array([0, 1]), np.array([3.0, 1.0], np.float32))
    np.testing.assert_allclose(draws(sampler, 0, 3), [3 / 7, 1 / 7, 3 / 7], atol=0.02)


@pytest.mark.parametrize(("exponent", "expected"), [(0.0, [1 / 3] * 3), (1.0, [0, 0.2, 0.8]), (0.5, [0, 1 / 3, 2 / 3])])
def test_prioritised_sampler_draws_in_proportion_to_the_power_of_the_error(
    exponent: float, expected: list[float]
) -> None:
    sampler = PrioritisedSampler(np.random.default_rng(0), 4, exponent, 1.0)
    draws(sampler, 0, 3)
    sampler.reprioritise(np.array([0, 1, 2]), np.array([0.0, -1.0, 4.0], np.float32))
    np.testing.assert_allclose(draws(sampler, 0, 3), expected, atol=0.02)


def test_importance_weights_of_exponent_1_undo_the_bias() -> None:
    sampler = PrioritisedSampler(np.random.default_rng(0), 8, 1.0, 1.0)
    sampler.sample(1, 0, 3)
    sampler.reprioritise(np.array([0, 1, 2]), np.array([1.0, 2.0, 5.0], np.float32))
    numbers, weights = sampler.sample(50_000, 0, 3)
    assert weights.dtype == np.float32
    assert weights.max() == 1.0
    share = np.bincount(numbers, weights) / weights.sum()
    np.testing.assert_allclose(share, [1 / 3] * 3, atol=0.01)


def test_importance_weights_of_exponent_0_are_one() -> None:
    sampler = PrioritisedSampler(np.random.default_rng(0), 8, 1.0, 0.0)
    sampler.sample(1, 0, 3)
    sampler.reprioritise(np.array([0]), np.array([9.0], np.float32))
    assert (sampler.sample(100, 0, 3)[1] == 1.0).all()


def test_prioritised_sampler_ignores_errors_that_are_not_finite() -> None:
    sampler = PrioritisedSampler(np.random.default_rng(0), 8, 1.0, 1.0)
    sampler.sample(1, 0, 2)
    sampler.reprioritise(np.array([0, 1]), np.array([np.nan, np.inf], np.float32))
    np.testing.assert_allclose(draws(sampler, 0, 2), [0.5, 0.5], atol=0.02)


@given(
    capacity=st.integers(1, 12),
    events=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5), st.floats(0, 100, width=32)), max_size=30),
)
def test_prioritised_sampler_draws_stored_transitions_only(capacity: int, events: list[tuple[int, int, float]]) -> None:
    sampler, first, end = PrioritisedSampler(np.random.default_rng(0), capacity, 0.6, 0.4), 0, 0
    errors: dict[int, float] = {}
    for new, forgotten, error in events:
        end += new
        first = min(max(first + forgotten, end - capacity), end)
        if first == end:
            continue
        numbers, weights = sampler.sample(16, first, end)
        assert ((first <= numbers) & (numbers < end)).all()
        assert ((weights > 0) & (weights <= 1)).all()
        anything = np.arange(max(0, first - 3), end + 3)  # some of it forgotten, some not there yet
        sampler.reprioritise(anything, np.full(len(anything), error, np.float32))
        errors = dict.fromkeys(range(first, end), error)
        slots = np.array([*errors]) % capacity
        np.testing.assert_allclose(sampler._tree[slots], (float(np.float32(error)) + 1e-6) ** 0.6)
        assert sampler._tree.total == pytest.approx(sampler._tree[slots].sum())


def test_prioritised_sampler_with_one_seed_draws_the_same() -> None:
    one, other = (PrioritisedSampler(np.random.default_rng(3), 100, 1.0, 1.0).sample(9, 0, 100) for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_uniform_sampler_draws_every_transition_with_equal_probability() -> None:
    numbers, weight = UniformSampler(np.random.default_rng(0)).sample(50_000, 1000, 1050)
    assert weight == 1.0
    counts = np.bincount(numbers - 1000, minlength=50)
    assert len(counts) == 50
    chi_squared = ((counts - 1000.0) ** 2 / 1000.0).sum()
    assert chi_squared < 85.4  # 49 degrees of freedom, p = 0.001


def test_uniform_sampler_with_one_seed_draws_the_same() -> None:
    one, other = (UniformSampler(np.random.default_rng(3)).sample(9, 0, 100)[0] for _ in range(2))
    np.testing.assert_array_equal(one, other)
