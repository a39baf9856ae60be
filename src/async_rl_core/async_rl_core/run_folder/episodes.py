"""episodes.csv: one line per finished episode."""

import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

from async_rl_core.atomic_file import free_name, replacing
from async_rl_core.errors import AsyncRLError
from async_rl_core.run_folder.appended_file import AppendedFile

HEADER = "episode,wall_time_s,env_steps,updates,return,target_term,lateness_p99_ms,missed_cycles"
DECIMALS = 4
LARGEST_COUNT = 2**62


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
    """Environment steps of the run so far."""
    updates: int
    """Updates of the learner so far."""
    episode_return: float
    target_term: float
    """Mean over the episode's steps."""
    lateness_p99: float
    """Milliseconds."""
    missed_cycles: int


class EpisodeWriter:
    """Appends to episodes.csv, each row on disk before the next; an existing file is continued.

    Rows that a full disk refuses are kept and written once there is room. Damaged lines of an existing file are left
    out; a copy of the file is kept, and `warn` takes a line.

    Raises:
        RecordError: there is no folder for the file, or the file holds something else.
    """

    def __init__(self, path: Path, warn: Callable[[str], object] = lambda line: None) -> None:
        self._file = AppendedFile(path, f"{HEADER}\n".encode())
        self.rows: list[EpisodeRow] = []
        """The rows of the file at the start."""
        try:
            if path.exists():
                self.rows = _continued(path, warn)
            else:
                self._file.write(b"")
        except OSError as error:
            self._file.failed = f"{path} cannot be written: {error.strerror}"
        if not path.parent.is_dir():
            raise RecordError(f"{path}: cannot be written (No such file or directory); choose another run_dir")

    @property
    def failed(self) -> str:
        """The reason why the newest rows are not in the file yet; empty if they are."""
        if not self._file.failed:
            return ""
        return f"{self._file.failed}; {self._file.pending} rows wait for room, the run goes on"

    def write(self, row: EpisodeRow) -> None:
        """Appends a row, now or as soon as the disk accepts it."""
        self._file.write(_line(row).encode())

    def flush(self) -> None:
        """Writes the rows that wait for the disk."""
        self._file.flush()

    close = flush


def _continued(path: Path, warn: Callable[[str], object]) -> list[EpisodeRow]:
    """Returns the rows of a file, and removes everything else from it."""
    found = list(_read(path))
    rows = [row for _, row in found if isinstance(row, EpisodeRow)]
    damage = [row for _, row in found if isinstance(row, RecordError)]
    whole = [line for line, row in found if isinstance(row, EpisodeRow)]
    if damage:
        copy = free_name(path.with_name(f"{path.name}.damaged"))
        shutil.copyfile(path, copy)
        warn(f"{len(damage)} lines are damaged and left out; {copy.name} keeps the file as it was: {damage[0]}")
    text = "".join(f"{line}\n" for line in (HEADER, *whole))
    if path.read_text(errors="replace", encoding="utf-8") != text:
        with replacing(path, stat.S_IMODE(path.stat().st_mode)) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return rows


def read_episodes(path: Path, damaged_left_out: bool = False) -> list[EpisodeRow]:
    """Returns the rows of an episodes.csv without an unfinished last line.

    Raises:
        RecordError: no such file, another header, or a line that is not a row, unless such are to be left out.
    """
    rows = []
    for _, row in _read(path):
        if isinstance(row, RecordError):
            if not damaged_left_out:
                raise row
        else:
            rows.append(row)
    return rows


def _read(path: Path) -> Iterator[tuple[str, EpisodeRow | RecordError]]:
    """Returns the complete lines behind the header, each with its row or with its error."""
    try:
        text = path.read_text(errors="replace", encoding="utf-8")
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror}); name a run folder with episodes.csv") from error
    header, *lines = text.split("\n")
    if HEADER.startswith(header) and not lines:
        return
    if header != HEADER:
        raise RecordError(f"{path}: its first line is '{header[:120]}', not '{HEADER}'; it is not a run's episodes.csv")
    for number, line in enumerate(lines[:-1], start=2):  # behind the last break is nothing, or a line being written
        try:
            yield line, _parse(path, number, line.split(","))
        except RecordError as error:
            yield line, error


def _parse(path: Path, number: int, values: list[str]) -> EpisodeRow:
    try:
        episode, wall_time, env_steps, updates, total, target, lateness, missed = values
        counts = [int(count) for count in (episode, env_steps, updates, missed)]
        if not all(0 <= count < LARGEST_COUNT for count in counts):
            raise ValueError("a count out of range")
        episode_, env_steps_, updates_, missed_ = counts
        return EpisodeRow(
            episode_, float(wall_time), env_steps_, updates_, float(total), float(target), float(lateness), missed_
        )
    except ValueError as error:
        line = ",".join(values)[:120]
        raise RecordError(f"{path}:{number}: '{line}' is not a row of '{HEADER}' ({str(error)[:120]})") from error


def _line(row: EpisodeRow) -> str:
    return ",".join(f"{v:.{DECIMALS}f}" if isinstance(v, float) else str(v) for v in astuple(row)) + "\n"
