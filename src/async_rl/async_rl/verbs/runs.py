"""`async_rl runs`: lists runs, and compares them."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from async_rl_core.config.paths import user_path
from async_rl_core.errors import ConfigError

SUMMARY = "list runs, or compare some"
USAGE = """runs [<folder>]
runs <run> <run> [...]"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the folders."""
    parser.add_argument(
        "words",
        nargs="*",
        metavar="<folder>",
        help="a folder of runs, by default runs/; or run folders, whose configuration and figures are compared",
    )


def run(options: argparse.Namespace) -> int:
    """Prints the list or the comparison."""
    from async_rl_core.monitoring.run_facts import is_run
    from async_rl_core.run_folder.run_folder import RUNS

    if unknown := [word for word in options.words if word.startswith("-") or ":=" in word]:
        raise ConfigError(f"runs takes folders only, not '{unknown[0]}'; async_rl runs [<folder>] or <run> <run>")
    folders = [user_path(word) for word in options.words]
    if len(folders) > 1 or (folders and is_run(folders[0])):
        _compare(folders)
    else:
        _list(folders[0] if folders else RUNS)
    return 0


def _compare(folders: Sequence[Path]) -> None:
    from async_rl_core.monitoring.run_facts import read_run
    from async_rl_core.monitoring.run_table import comparison

    runs = [read_run(folder) for folder in folders]
    _print([*comparison(runs), *(f"warning: {line}" for run in runs for line in run.damaged)])


def _list(folder: Path) -> None:
    from async_rl_core.monitoring.run_facts import runs_in
    from async_rl_core.monitoring.run_table import table

    runs, others = runs_in(folder)
    if not runs:
        _print([f"no runs in {folder}", *others])
        return
    _print(table(runs))
    notes = [*others, *(line for run in runs for line in run.damaged)]
    if notes:
        _print(["", "left out or damaged:", *(f"  {note}" for note in notes)])


def _print(lines: Sequence[str]) -> None:
    from async_rl_core.monitoring.run_table import printable

    for line in lines:
        print(printable(line))
