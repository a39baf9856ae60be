"""Progress lines of the terminal."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_rl_core.monitoring.progress import bar, episode_line, fraction
from async_rl_core.run_folder.episodes import EpisodeRow


@pytest.mark.parametrize(
    ("duration", "limit", "done"),
    [(None, None, None), (600, None, 0.5), (None, 40, 0.25), (600, 40, 0.5), (100, 40, 1)],
)
def test_fraction_follows_the_nearer_limit(duration: float | None, limit: int | None, done: float | None) -> None:
    assert fraction(300.0, 10, duration, limit) == done


@given(done=st.floats(0, 1))
def test_bar_has_a_constant_length(done: float) -> None:
    assert len(bar(done)) == len(bar(0.0))


def test_episode_line_holds_the_figures() -> None:
    row = EpisodeRow(12, 90.0, 1200, 480, 355.21, 3.61, 1.25, 0)
    assert episode_line(datetime(2026, 1, 2, 13, 4, 5), row, False, 0.5) == (
        "13:04:05  episode   12  return    355.2  target   3.610  updates    480  late p99   1.2 ms  missed 0"
        "  [##########----------]  50%"
    )
    assert episode_line(datetime(2026, 1, 2), row, True, None).endswith("missed 0  random")
