"""episodes.csv: one line per finished episode."""

import csv
import os
from dataclasses import astuple, dataclass
from pathlib import Path

from async_rl_core.errors import AsyncRLError

NAME = "episodes.csv"
HEADER = "episode,wall_time_s,env_steps,updates,return,target_term,lateness_p99_ms,missed_cycles"
DECIMALS = 4


class RecordError(AsyncRLError):
    """A run's records that cannot be written or read."""


@dataclass(frozen=True, slots=True)
class EpisodeRow:
    """One finished episode, in the order of the columns."""

    episode: int
    wall_time: float
    """Seconds from the monitor's start, which is the run's, to the episode's end; without those between a stop and
    the monitor's next start."""
    env_steps: int
    """Of the run so far."""
    updates: int
    """Of the learner so far."""
    episode_return: float
    target_term: float
    """Mean over the episode's steps."""
    lateness_p99: float
    """Milliseconds."""
    missed_cycles: int


class EpisodeWriter:
    """Appends to episodes.csv, each row on disk before the next; a file that is there is continued.

    Raises:
        RecordError: the file cannot be written, or holds something else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.rows = read_episodes(path) if path.exists() else []
        """What the file held at the start."""
        try:
            if self.rows:
                os.truncate(path, path.read_bytes().rindex(b"\n") + 1)  # without the line that a crash cut off
            else:
                path.write_text(HEADER + "\n", encoding="utf-8")
            self._file = path.open("a", newline="", encoding="utf-8")
        except OSError as error:
            raise unwritable(path, error) from error

    def write(self, row: EpisodeRow) -> None:
        """Append a row."""
        try:
            self._file.write(_line(row))
            self._file.flush()
        except OSError as error:
            raise unwritable(self._path, error) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_episodes(path: Path) -> list[EpisodeRow]:
    """The rows of an episodes.csv; an unfinished last line, be it the first of all, is left out.

    Raises:
        RecordError: no such file, another header, or a line that is not a row.
    """
    try:
        text = path.read_text(errors="replace", encoding="utf-8")
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror}); name a run folder with an {NAME}") from error
    header, *lines = text.split("\n")
    if HEADER.startswith(header) and not lines:
        return []
    if header != HEADER:
        raise RecordError(f"{path}: its first line is '{header[:120]}', not '{HEADER}'; it is not a run's {NAME}")
    whole = lines[:-1]  # behind the last line break is nothing, or a line still being written
    try:
        return [_parse(path, number, line) for number, line in enumerate(csv.reader(whole), start=2)]
    except csv.Error as error:
        raise RecordError(f"{path}: is not text in columns ({error}); it is not a run's {NAME}") from error


def _parse(path: Path, number: int, values: list[str]) -> EpisodeRow:
    try:
        episode, wall_time, env_steps, updates, total, target, lateness, missed = values
        return EpisodeRow(
            int(episode),
            float(wall_time),
            int(env_steps),
            int(updates),
            float(total),
            float(target),
            float(lateness),
            int(missed),
        )
    except ValueError as error:
        raise RecordError(f"{path}:{number}: '{','.join(values)}' is not a row of '{HEADER}' ({error})") from error


def _line(row: EpisodeRow) -> str:
    return ",".join(f"{v:.{DECIMALS}f}" if isinstance(v, float) else str(v) for v in astuple(row)) + "\n"


def unwritable(path: Path, error: OSError) -> RecordError:
    """What to say of a record that the system refuses to write."""
    return RecordError(f"{path}: cannot be written ({error.strerror}); free space or choose another run_dir")
