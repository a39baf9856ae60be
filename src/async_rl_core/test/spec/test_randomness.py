import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from async_rl_core.spec.randomness import Stream, episode_seed

NAMES = st.tuples(st.integers(0, 2**31 - 1), st.sampled_from(Stream), st.integers(0, 2**40))


@given(NAMES, NAMES)
def test_each_episode_of_each_stream_has_its_own_numbers(one: tuple, other: tuple) -> None:
    first, again, second = (np.random.default_rng(episode_seed(*name)).random(4) for name in (one, one, other))
    assert np.array_equal(first, again)
    assert np.array_equal(first, second) == (one == other)
