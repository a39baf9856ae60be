"""State and figures of a run, read from its folder even if files are missing or damaged."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from async_rl_core.config.document import read_document
from async_rl_core.errors import AsyncRLError, ConfigError
from async_rl_core.run_folder import summary
from async_rl_core.run_folder.episodes import read_episodes
from async_rl_core.run_folder.run_folder import RunFolder

LARGEST_CONFIG = 2**20
"""Bytes beyond which a file is not a config.yaml of the suite."""

RUNNING, FINISHED, RESUMABLE, EVALUATION = "running", "finished", "resumable", "evaluation"
POLICY, EMPTY = "policy", "empty"
"""States of a run: its processes live; it reached its limit; it can be resumed; it is an evaluation; it holds only a
policy, as the example does; it recorded nothing."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One run. A figure that the folder does not hold is None."""

    folder: Path
    state: str
    config: Mapping[str, object] = field(default_factory=dict)
    """Content of config.yaml, not validated."""
    figures: Mapping[str, object] = field(default_factory=dict)
    """Figures of summary.json."""
    damaged: tuple[str, ...] = ()
    """One line per unreadable file."""

    @property
    def task(self) -> str | None:
        """Name of the task."""
        return _text(self.config.get("task"))

    @property
    def preset(self) -> str | None:
        """Name of the preset."""
        return _text(self.config.get("preset"))

    @property
    def robot(self) -> str | None:
        """Name of the robot."""
        robot = self.config.get("robot")
        return _text(robot.get("name")) if isinstance(robot, dict) else None

    def number(self, key: str) -> float | None:
        """Returns a figure of the summary; None if it is not a number."""
        return _number(self.figures.get(key))


def read_run(folder: Path) -> RunFacts:
    """Reads a run folder and changes nothing in it.

    Raises:
        ConfigError: the folder has no config.yaml, so it is not a run folder.
    """
    path = RunFolder(folder).config
    try:
        size = path.stat().st_size
    except OSError as error:
        what = f"has no {path.name}" if folder.is_dir() else "is not a folder"
        reason = "" if isinstance(error, FileNotFoundError | NotADirectoryError) else f" ({error.strerror})"
        raise ConfigError(
            f"{folder} {what}{reason}; name a run's folder, such as runs/<date>-<task>-<preset>"
        ) from None
    damaged: list[str] = []
    config: Mapping[str, object] = {}
    try:
        if size > LARGEST_CONFIG:
            raise ConfigError(f"{path}: has {size} bytes, which is no {path.name} of a run")
        config = read_document(path).data
    except AsyncRLError as error:
        damaged.append(str(error))
    figures = _figures(folder, damaged)
    return RunFacts(folder, _state(folder, config, figures), config, figures, tuple(damaged))


def runs_in(folder: Path) -> tuple[list[RunFacts], list[str]]:
    """Reads the runs in a folder, sorted by name, and returns a line for each entry that is not a run.

    Raises:
        ConfigError: the folder cannot be read.
    """
    try:
        entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise ConfigError(f"{folder} cannot be listed: {error.strerror}; name a folder that holds runs") from None
    runs, others = [], []
    for entry in entries:
        try:
            runs.append(read_run(entry))
        except ConfigError as error:
            others.append(str(error).split(";")[0])
    return runs, others


def is_run(folder: Path) -> bool:
    """Returns whether the folder holds a run."""
    try:
        return RunFolder(folder).config.is_file()
    except OSError:
        return False


def _figures(folder: Path, damaged: list[str]) -> dict[str, object]:
    """Returns the summary's figures, or counts them from the episodes if there is no summary."""
    try:
        figures: dict[str, object] = dict(summary.read(folder))
    except (ValueError, RecursionError):
        figures = {}
    path = RunFolder(folder).summary
    if path.exists() and not figures:
        damaged.append(f"{path}: cannot be read")
    path = RunFolder(folder).episodes
    if not path.exists():
        return figures
    try:
        rows = read_episodes(path)
    except AsyncRLError as error:
        damaged.append(str(error))
        return figures
    if rows and not figures:
        last = [row.target_term for row in rows[-summary.LAST :]]
        figures = {
            "episodes": len(rows),
            "updates": rows[-1].updates,
            "env_steps": rows[-1].env_steps,
            "wall_time_s": rows[-1].wall_time,
            "target_term_last_10": sum(last) / len(last),
        }
    return figures


def _state(folder: Path, config: Mapping[str, object], figures: Mapping[str, object]) -> str:
    if _is_locked(RunFolder(folder).lock):
        return RUNNING
    evaluation = config.get("evaluation")
    if isinstance(evaluation, dict) and evaluation.get("checkpoint") is not None:
        return EVALUATION
    for limit, reached in (("episodes", "episodes"), ("duration", "wall_time_s")):
        wanted, there = _number(config.get(limit)), _number(figures.get(reached))
        if wanted is not None and there is not None and there >= wanted:
            return FINISHED
    if figures.get("episodes") or _holds_files(RunFolder(folder).journal):
        return RESUMABLE
    return POLICY if _holds_files(RunFolder(folder).checkpoints) else EMPTY


def _holds_files(folder: Path) -> bool:
    try:
        return any(not path.name.startswith(".") for path in folder.iterdir())
    except OSError:
        return False


def _is_locked(path: Path) -> bool:
    """Returns whether a process holds the lock, without taking it: a run may be about to."""
    try:
        inode = path.stat().st_ino
        locks = Path("/proc/locks").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    held = [words[5] for line in locks if len(words := line.split()) > 5 and words[1] == "FLOCK"]
    return any(file.rsplit(":", 1)[-1] == str(inode) for file in held)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
