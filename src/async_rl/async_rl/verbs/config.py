"""`async_rl config`: confirms a run's `config.yaml` that a person edited."""

import argparse

from async_rl.completion import complete
from async_rl_core.config.paths import user_path
from async_rl_core.errors import ConfigError
from async_rl_core.run_folder.run_folder import RunFolder

SUMMARY = "confirm the config.yaml of a run that you edited"
USAGE = "config accept <run folder>"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what to do and the run."""
    complete(parser.add_argument("what", nargs="?", help="accept"), lambda: ["accept"])
    parser.add_argument("run", nargs="?", metavar="<run folder>")


def run(options: argparse.Namespace) -> int:
    """Gives the edited file a new checksum."""
    from async_rl_core.config.load import accept

    if options.what != "accept" or options.run is None:
        raise ConfigError(f"config what? async_rl {USAGE}")
    path = user_path(options.run)
    folder = RunFolder(path)
    path = path if path.name == folder.config.name else folder.config
    if not path.is_file():
        raise ConfigError(f"{path}: no such file; name a run's folder, such as runs/<date>-<task>-<preset>")
    print(f"{path}: {'accepted, with a new checksum' if accept(path) else 'is as its run wrote it'}")
    return 0
