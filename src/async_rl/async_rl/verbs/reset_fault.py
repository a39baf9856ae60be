"""`async_rl reset-fault`: resets a fault of the safety guard of a run."""

import argparse

from async_rl.verb import add_secure

SUMMARY = "clear the fault of the safety guard of a run; the guard stays disarmed"
USAGE = "reset-fault [secure:=true]"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the argument of a secure run."""
    add_secure(parser)


def run(options: argparse.Namespace) -> int:
    """Calls the guard and prints its answer."""
    from async_rl.operator import ask

    return ask("reset-fault", options.words)
