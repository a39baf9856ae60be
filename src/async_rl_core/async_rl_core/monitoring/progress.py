"""The line that a person reads per episode."""

from datetime import datetime

from async_rl_core.run_folder.episodes import EpisodeRow

BAR = 20
"""Characters of the bar."""


def fraction(elapsed: float, episodes: int, duration: float | None, limit: int | None) -> float | None:
    """How much is done, by whichever of `duration` and `limit` is nearer; none without both.

    Of the `duration` [s], which counts from the last start, `elapsed` [s] are gone; of the `limit`, so many `episodes`.
    """
    parts = []
    if duration is not None:
        parts.append(elapsed / duration)
    if limit is not None:
        parts.append(episodes / limit)
    return min(1.0, max(parts)) if parts else None


def bar(done: float | None) -> str:
    """`[#####---------------]  25%`; empty for a run without an end."""
    if done is None:
        return ""
    filled = int(BAR * done)
    return f"  [{'#' * filled}{'-' * (BAR - filled)}] {int(100 * done):3d}%"


def episode_line(clock: datetime, row: EpisodeRow, random: bool, done: float | None) -> str:
    """One episode, at the time of day `clock`."""
    return (
        f"{clock:%H:%M:%S}  episode {row.episode:4d}  return {row.episode_return:8.1f}  "
        f"target {row.target_term:7.3f}  updates {row.updates:6d}  late p99 {row.lateness_p99:5.1f} ms  "
        f"missed {row.missed_cycles}{'  random' if random else ''}{bar(done)}"
    )
