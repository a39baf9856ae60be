"""`async_rl launch`: starts a run."""

import argparse

from async_rl.completion import complete, complete_arguments
from async_rl.verb import add_show_args
from async_rl_core.errors import ConfigError

SUMMARY = "start a run, until its end or Ctrl-C"
USAGE = """launch <task> [<name>:=<value> ...]
launch <task> --show-args [preset:=<name>] [robot:=<name>]"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the task and the launch arguments."""
    from async_rl_core.bringup.arguments import launch_names, table

    task = parser.add_argument("task", nargs="?", help="reacher, tracker, or the name of an installed task")
    complete(task, launch_names)
    words = parser.add_argument("words", nargs="*", metavar="<name>:=<value>", help="launch arguments")
    complete_arguments(words, table)
    add_show_args(parser)


def run(options: argparse.Namespace) -> int:
    """Starts the run, or lists its arguments."""
    from async_rl_core.bringup.arguments import defaults, describe, launch_names, launched_task, parse, table
    from async_rl_core.bringup.run import run as start

    if options.task is None:
        raise ConfigError(f"launch what? allowed: {', '.join(launch_names())}")
    task = launched_task(options.task.removesuffix(".launch.py"))
    values = parse(options.words)
    if options.show_args:
        print(describe(table(task), defaults(values, task)))
        return 0
    return start(values, task)
