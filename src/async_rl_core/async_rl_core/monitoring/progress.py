"""The terminal line of an episode, and the progress bar."""

from datetime import datetime

from async_rl_core.run_folder.episodes import EpisodeRow

BAR = 20
"""Characters of the bar."""


def fraction(elapsed: float, episodes: int, duration: float | None, limit: int | None) -> float | None:
    """Returns the finished share of a run, 0 to 1, by the nearer of its two limits; None if it has no limit.

    Args:
        elapsed: seconds since the last start.
        episodes: finished episodes of the run.
        duration: limit in seconds since the last start.
        limit: limit in episodes of the run.
    """
    parts = []
    if duration is not None:
        parts.append(elapsed / duration)
    if limit is not None:
        parts.append(episodes / limit)
    return min(1.0, max(parts)) if parts else None


def bar(done: float | None) -> str:
    """Returns `[#####---------------]  25%`; empty for a run without a limit."""
    if done is None:
        return ""
    filled = int(BAR * done)
    return f"  [{'#' * filled}{'-' * (BAR - filled)}] {int(100 * done):3d}%"


def episode_line(clock: datetime, row: EpisodeRow, random: bool, done: float | None) -> str:
    """Returns the terminal line of an episode that ended at the time of day `clock`."""
    return (
        f"{clock:%H:%M:%S}  episode {row.episode:4d}  return {row.episode_return:8.1f}  "
        f"target {row.target_term:7.3f}  updates {row.updates:6d}  late p99 {row.lateness_p99:5.1f} ms  "
        f"missed {row.missed_cycles}{'  random' if random else ''}{bar(done)}"
    )
