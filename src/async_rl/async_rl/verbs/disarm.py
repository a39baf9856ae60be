"""`async_rl disarm`: disarms the safety guard of a run."""

import argparse

from async_rl.verb import add_secure

SUMMARY = "stop the arm of a run and keep it at rest"
USAGE = "disarm [secure:=true]"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the argument of a secure run."""
    add_secure(parser)


def run(options: argparse.Namespace) -> int:
    """Calls the guard and prints its answer."""
    from async_rl.operator import ask

    return ask("disarm", options.words)
