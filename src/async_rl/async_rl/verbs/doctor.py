"""`async_rl doctor`: checks this computer."""

import argparse

SUMMARY = "check this computer, and say what to do"
USAGE = "doctor"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds nothing."""


def run(options: argparse.Namespace) -> int:
    """Prints a table of findings."""
    from async_rl import middleware
    from async_rl_core.bringup.checks.doctor import examine

    return examine([middleware.check])
