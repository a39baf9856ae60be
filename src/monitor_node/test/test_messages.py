"""Every field finds its place."""

from async_rl_core.monitoring.faults import FaultReport
from async_rl_core.run_folder.episodes import EpisodeRow
from async_rl_core.run_folder.summary import Distribution, TimingCounts
from async_rl_interfaces.msg import Episode, FeaturePoints, GuardState, Histogram, Timing
from monitor_node.messages import counts_of, faults_of, points_of, row_of


def test_row_of_episode_keeps_every_field() -> None:
    message = Episode(
        episode=12, env_steps=1200, episode_return=3.5, target_term=0.25, lateness_p99_ms=1.5, missed_cycles=2
    )
    assert row_of(message, 84.0, 600) == EpisodeRow(12, 84.0, 1200, 600, 3.5, 0.25, 1.5, 2)


def test_counts_of_timing_keeps_every_field() -> None:
    histogram = Histogram(name="lateness", unit="ms", mean=0.5, p50=0.25, p99=1.5, max=9.0)
    message = Timing(
        cycles=500, missed_cycles=1, stale_images=2, steps_sent=300, steps_waiting=4, histogram=[histogram]
    )
    assert counts_of(message) == TimingCounts(500, 1, 2, 300, 4, (Distribution("lateness", "ms", 0.25, 1.5, 9.0, 0.5),))


def test_counts_of_timing_keeps_the_longest_gap() -> None:
    counts = counts_of(Timing(longest_gap=0.143, longest_gap_made_of="143 ms: acting 95 ms"))
    assert (counts.longest_gap, counts.longest_gap_made_of) == (0.143, "143 ms: acting 95 ms")


def test_faults_of_guard_state_keeps_every_field() -> None:
    message = GuardState(
        state=GuardState.FAULT,
        fault_kind=["agent_silent", "halted"],
        fault_count=[2, 1],
        faults_cleared=2,
        longest_silence=0.3,
        last_kind="halted",
        last_cause="the guard was halted for 120 ms",
        last_silence=0.12,
        last_made_of="the whole machine halted for 120 ms",
        clears_timing_faults=True,
    )
    message.started.sec, message.started.nanosec = 5, 7
    cause, made_of = "the guard was halted for 120 ms", "the whole machine halted for 120 ms"
    counts = {"agent_silent": 2, "halted": 1}
    expected = FaultReport(3, 5_000_000_007, counts, 2, 0.3, "halted", cause, 0.12, made_of, True)
    assert faults_of(message) == expected


def test_points_of_message_are_rows_of_x_and_y() -> None:
    assert points_of(FeaturePoints(x=[0.0, 0.5], y=[-1.0, 1.0])).tolist() == [[0.0, -1.0], [0.5, 1.0]]
    assert points_of(FeaturePoints()).shape == (0, 2)
