"""Seeds and episodes that every target is tested with."""

from hypothesis import strategies as st

from async_rl_core.tasks.target import Picture, Target

PAPER = Picture(width=160, height=90, radius=7)
PICTURES = st.builds(Picture, width=st.floats(30, 400), height=st.floats(30, 400), radius=st.floats(0.5, 14))
SEEDS = st.integers(0, 2**31 - 1)
EPISODES = st.integers(0, 2**32 - 1)


def assert_alike(first: Target, second: Target, episode: int, other: int, elapsed: float) -> None:
    """Two of one seed are at one place in an episode, whatever the second did before."""
    first.reset(episode)
    second.reset(other)
    second.position(elapsed)
    second.reset(episode)
    assert first.position(elapsed) == second.position(elapsed)
