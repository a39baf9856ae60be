"""A verb of the command line, as each module in `async_rl.verbs` provides it."""

import argparse
import importlib
import sys
from typing import Protocol, cast

VERBS = (
    "launch",
    "evaluate",
    "export",
    "runs",
    "arm",
    "disarm",
    "reset-fault",
    "calibrate",
    "preset",
    "config",
    "keys",
    "doctor",
)
"""The verbs, in the order in which help lists them."""


class Verb(Protocol):
    """A module of `async_rl.verbs`. It is imported for its summary, so its functions import what takes time."""

    SUMMARY: str
    """One line for the list of verbs."""
    USAGE: str
    """The words after `async_rl`, one line per form."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Adds the arguments of the verb. A parser's `words` take the arguments that argparse does not know."""

    def run(self, options: argparse.Namespace) -> int:
        """Runs the verb and returns the exit code. Raises `AsyncRLError` with one line for the user."""


def load_verb(name: str) -> Verb:
    """Returns the module of a verb."""
    return cast(Verb, importlib.import_module(f"async_rl.verbs.{name.replace('-', '_')}"))


def add_show_args(parser: argparse.ArgumentParser) -> None:
    """Adds the option that lists launch arguments."""
    parser.add_argument("-s", "--show-args", action="store_true", help="list the arguments with their values")


def add_secure(parser: argparse.ArgumentParser) -> None:
    """Adds the argument of a verb that calls the nodes of a run."""
    parser.add_argument("words", nargs="*", metavar="secure:=true", help="needed where the run was started with it")


def tell(line: str) -> None:
    """Prints the progress of a verb, apart from its result."""
    print(line, file=sys.stderr, flush=True)
