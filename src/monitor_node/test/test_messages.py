"""Every field finds its place."""

from async_rl_core.monitor.episodes import EpisodeRow
from async_rl_core.monitor.summary import Distribution, TimingCounts
from async_rl_interfaces.msg import Episode, FeaturePoints, Histogram, Timing
from monitor_node.messages import counts_of, points_of, row_of


def test_episode() -> None:
    message = Episode(
        episode=12, env_steps=1200, episode_return=3.5, target_term=0.25, lateness_p99_ms=1.5, missed_cycles=2
    )
    assert row_of(message, 84.0, 600) == EpisodeRow(12, 84.0, 1200, 600, 3.5, 0.25, 1.5, 2)


def test_timing() -> None:
    histogram = Histogram(name="lateness", unit="ms", mean=0.5, p50=0.25, p99=1.5, max=9.0)
    message = Timing(
        cycles=500, missed_cycles=1, stale_images=2, steps_sent=300, steps_waiting=4, histogram=[histogram]
    )
    assert counts_of(message) == TimingCounts(500, 1, 2, 300, 4, (Distribution("lateness", "ms", 0.25, 1.5, 9.0, 0.5),))


def test_points() -> None:
    assert points_of(FeaturePoints(x=[0.0, 0.5], y=[-1.0, 1.0])).tolist() == [[0.0, -1.0], [0.5, 1.0]]
    assert points_of(FeaturePoints()).shape == (0, 2)
