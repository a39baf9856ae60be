"""Where an agent begins: at nothing, or behind all that its run has recorded."""

from dataclasses import dataclass
from pathlib import Path

from async_rl_core.monitor import episodes, summary
from async_rl_core.monitor.episodes import read_episodes
from async_rl_core.replay import journal
from async_rl_core.replay.journal import last_position


@dataclass(frozen=True, slots=True)
class Start:
    """How far a run is."""

    episode: int = 0
    """The last one begun."""
    sequence: int = 0
    """Of the next step."""
    env_steps: int = 0
    finished: int = 0
    """Episodes that ran to their end."""
    cycles: int = 0
    missed_cycles: int = 0
    stale_images: int = 0
    """As counted when the run's summary was last written."""

    @classmethod
    def of(cls, run_dir: Path) -> "Start":
        """Read it from a run's folder: what replay has stored or the monitor has written, whichever goes further.

        Raises `AsyncRLError` where a file that is there cannot be read.
        """
        path = run_dir / episodes.NAME
        rows = read_episodes(path) if path.exists() else []
        position = last_position(run_dir / journal.FOLDER)
        figures = summary.read(run_dir)
        return cls(
            episode=max(rows[-1].episode if rows else 0, position.episode if position else 0),
            sequence=position.sequence + 1 if position else 0,
            env_steps=max(rows[-1].env_steps if rows else 0, position.env_steps if position else 0),
            finished=len(rows),
            cycles=figures.get("cycles", 0),
            missed_cycles=max(figures.get("missed_cycles", 0), sum(row.missed_cycles for row in rows)),
            stale_images=figures.get("stale_images", 0),
        )


BEGINNING = Start()
"""Of a new run."""
