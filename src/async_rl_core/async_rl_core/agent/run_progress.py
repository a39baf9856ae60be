"""Progress of a run, from which a resumed agent continues."""

from dataclasses import dataclass, field
from pathlib import Path

from async_rl_core.learning import checkpoint_file
from async_rl_core.replay.journal.journal import extent
from async_rl_core.replay.journal.segment import JournalPosition
from async_rl_core.run_folder import summary
from async_rl_core.run_folder.episodes import EpisodeRow, read_episodes
from async_rl_core.run_folder.run_folder import RunFolder
from async_rl_core.spec.step import SINGLE_ACTOR


@dataclass(frozen=True, slots=True)
class RunProgress:
    """Progress of a run."""

    episode: int = 0
    """Number of the episode started last, also if it was aborted: each has its own random numbers and target."""
    ended: int = field(default=0, compare=False)
    """Number, for people, of the last one that ended."""
    sequence: int = 0
    """Of the next step."""
    env_steps: int = 0
    finished: int = 0
    """Episodes that ran to their end, as far as they are recorded."""
    cycles: int = 0
    missed_cycles: int = 0
    stale_images: int = 0
    """As counted when the run's summary was last written."""

    @classmethod
    def read(cls, run_dir: Path, actor: str = SINGLE_ACTOR) -> "RunProgress":
        """Reads the progress from a run's folder: from replay's journal or the monitor's records, whichever is further.

        No step number is used twice, even where the segment that held it is damaged or missing.
        Raises `AsyncRLError` where a file that is there cannot be read.
        """
        path = RunFolder(run_dir).episodes
        rows = read_episodes(path, damaged_left_out=True) if path.exists() else []
        position, highest = extent(RunFolder(run_dir).journal / actor)
        figures = summary.read(run_dir)
        return cls(
            episode=max(rows[-1].episode if rows else 0, position.episode if position else 0),
            ended=rows[-1].episode if rows else 0,
            sequence=max(highest + 1, _beyond_what_is_gone(run_dir, rows, position)),
            env_steps=max(rows[-1].env_steps if rows else 0, position.env_steps if position else 0),
            finished=len(rows),
            cycles=summary.count(figures, "cycles"),
            missed_cycles=max(summary.count(figures, "missed_cycles"), sum(row.missed_cycles for row in rows)),
            stale_images=summary.count(figures, "stale_images"),
        )


def steps_gone(run_dir: Path) -> int:
    """Returns the number of steps lost at the end of a run's journal: the learner has seen them; 0 if none."""
    if not RunFolder(run_dir).journal.is_dir():
        return 0
    position, _ = extent(RunFolder(run_dir).journal)
    seen = checkpoint_file.newest_env_steps(RunFolder(run_dir).checkpoints)
    return max(0, seen - (position.env_steps if position else 0))


def _beyond_what_is_gone(run_dir: Path, rows: list[EpisodeRow], position: JournalPosition | None) -> int:
    """Returns a step number above those of the steps that are lost at the journal's end; 0 without any."""
    gone = steps_gone(run_dir)
    if not gone:
        return 0
    known = position.env_steps if position else 0
    told, begun = (rows[-1].env_steps, rows[-1].episode) if rows else (0, 0)
    begun = max(begun, position.episode if position else 0)
    return max(known + gone, told) + begun + 1  # an episode has one step more than actions


BEGINNING = RunProgress()
"""Of a new run."""
