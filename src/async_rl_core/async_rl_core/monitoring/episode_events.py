"""A run's episodes in TensorBoard."""

from pathlib import Path
from typing import TYPE_CHECKING

from async_rl_core.run_folder.episodes import EpisodeRow
from async_rl_core.run_folder.run_folder import RunFolder

if TYPE_CHECKING:
    from async_rl_core.monitoring.event_file import EventFile

"""Beside the learner's events, so that TensorBoard shows it as a run of its own."""


class EpisodeEvents:
    """Writes return, target term and lateness of each episode, by the episode's number.

    An event file that cannot be made or written never disturbs the run; `episodes.csv` holds the same figures.
    """

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._file: EventFile | None = None

    def add(self, row: EpisodeRow) -> None:
        """Records a finished episode."""
        if self._file is None:
            from async_rl_core.monitoring.event_file import (
                EventFile,  # loads TensorBoard, which the start need not wait for
            )

            try:
                self._file = EventFile(RunFolder(self._run_dir).episode_events, row.episode)
            except OSError:
                return
        figures = {
            "return": row.episode_return,
            "target_term": row.target_term,
            "lateness_p99_ms": row.lateness_p99,
            "missed_cycles": float(row.missed_cycles),
        }
        self._file.write(row.episode, {f"episode/{name}": value for name, value in figures.items()})

    def close(self) -> None:
        """Writes what is pending."""
        if self._file is not None:
            self._file.file.flush()
