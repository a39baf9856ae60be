"""TensorBoard events of a run's episodes."""

from pathlib import Path
from typing import TYPE_CHECKING

from async_rl_core.run_folder.episodes import EpisodeRow
from async_rl_core.run_folder.run_folder import RunFolder

if TYPE_CHECKING:
    from async_rl_core.run_folder.event_file import EventFile

"""Beside the learner's events; TensorBoard shows it as a separate run."""


class EpisodeEvents:
    """Writes return, target term and lateness of each episode, by the episode's number.

    A failure to create or write the event file is ignored; `episodes.csv` holds the same figures.
    """

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._file: EventFile | None = None

    def add(self, row: EpisodeRow) -> None:
        """Records a finished episode."""
        if self._file is None:
            from async_rl_core.run_folder.event_file import (
                EventFile,  # slow import, not needed at the start
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
        """Writes pending events."""
        if self._file is not None:
            self._file.file.flush()
