"""Conversion from messages to the records of core."""

from collections.abc import Sequence

import numpy as np

from async_rl_core.monitoring.faults import FaultReport
from async_rl_core.monitoring.frame_buffer import Points
from async_rl_core.run_folder.episodes import EpisodeRow
from async_rl_core.run_folder.summary import Distribution, TimingCounts
from async_rl_interfaces.msg import Episode, FeaturePoints, GuardState, Histogram, Timing
from async_rl_ros.ros_time import nanoseconds


def row_of(message: Episode, wall_time: float, updates: int) -> EpisodeRow:
    """Returns a row of episodes.csv; `wall_time` in s since the start, `updates` of the learner so far."""
    return EpisodeRow(
        message.episode,
        wall_time,
        message.env_steps,
        updates,
        message.episode_return,
        message.target_term,
        message.lateness_p99_ms,
        message.missed_cycles,
    )


def counts_of(message: Timing) -> TimingCounts:
    """Returns the agent's counts and latencies."""
    return TimingCounts(
        message.cycles,
        message.missed_cycles,
        message.stale_images,
        message.steps_sent,
        message.steps_waiting,
        distributions_of(message.histogram),
        message.longest_gap,
        message.longest_gap_made_of,
    )


def distributions_of(histograms: Sequence[Histogram]) -> tuple[Distribution, ...]:
    """Returns the figures of histograms."""
    return tuple(Distribution(h.name, h.unit, h.p50, h.p99, h.max, h.mean) for h in histograms)


def faults_of(message: GuardState) -> FaultReport:
    """Returns the guard's report on its faults."""
    return FaultReport(
        message.state,
        nanoseconds(message.started),
        dict(zip(message.fault_kind, message.fault_count, strict=False)),
        message.faults_cleared,
        message.longest_silence,
        message.last_kind,
        message.last_cause or message.cause,
        message.last_silence,
        message.last_made_of,
        message.clears_timing_faults,
    )


def points_of(message: FeaturePoints) -> Points:
    """Returns points (n, 2), x and y."""
    return np.stack([np.asarray(message.x, np.float32), np.asarray(message.y, np.float32)], axis=1)
