"""The verb `runs`: lists runs, and compares them."""

from collections.abc import Sequence
from pathlib import Path

from async_rl_core.config.paths import user_path
from async_rl_core.errors import ConfigError
from async_rl_core.monitoring.run_facts import is_run, read_run, runs_in
from async_rl_core.monitoring.run_table import comparison, printable, table
from async_rl_core.run_folder.run_folder import RUNS

USAGE = """usage: async_rl runs [<folder>]              list the runs in a folder; without one, those in runs/
       async_rl runs <run> <run> [...]       compare runs: configuration keys that differ, and figures"""


def command(words: Sequence[str]) -> int:
    """Lists the runs of a folder, or compares runs. Raises `ConfigError` where a folder is none."""
    if {"-h", "--help"} & set(words):
        print(USAGE)
        return 0
    if unknown := [word for word in words if word.startswith("-") or ":=" in word]:
        raise ConfigError(f"runs takes folders only, not '{unknown[0]}'; async_rl runs [<folder>] or <run> <run>")
    folders = [user_path(word) for word in words]
    if len(folders) > 1 or (folders and is_run(folders[0])):
        _compare(folders)
    else:
        _list(folders[0] if folders else RUNS)
    return 0


def _compare(folders: Sequence[Path]) -> None:
    runs = [read_run(folder) for folder in folders]
    _say([*comparison(runs), *(f"warning: {line}" for run in runs for line in run.damaged)])


def _list(folder: Path) -> None:
    runs, others = runs_in(folder)
    if not runs:
        _say([f"no runs in {folder}", *others])
        return
    _say(table(runs))
    notes = [*others, *(line for run in runs for line in run.damaged)]
    if notes:
        _say(["", "left out or damaged:", *(f"  {note}" for note in notes)])


def _say(lines: Sequence[str]) -> None:
    for line in lines:
        print(printable(line))
