"""`async_rl calibrate`: measures the camera's latency."""

import argparse

from async_rl.completion import complete, complete_arguments
from async_rl.verb import add_show_args
from async_rl_core.errors import ConfigError

SUMMARY = "measure how late the camera's images are stamped"
USAGE = """calibrate latency [<name>:=<value> ...]
calibrate latency --show-args"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what to calibrate and its arguments."""
    from async_rl_core.bringup.calibration import arguments

    complete(parser.add_argument("what", nargs="?", help="latency"), lambda: ["latency"])
    complete_arguments(parser.add_argument("words", nargs="*", metavar="<name>:=<value>"), arguments)
    add_show_args(parser)


def run(options: argparse.Namespace) -> int:
    """Measures the latency, or lists the arguments."""
    from async_rl_core.bringup.arguments import defaults, describe, parse
    from async_rl_core.bringup.calibration import arguments, calibrate_latency

    if options.what != "latency":
        raise ConfigError("calibrate what? async_rl calibrate latency [<name>:=<value> ...]")
    values = parse(options.words, arguments())
    if options.show_args:
        print(describe(arguments(), defaults(values)))
        return 0
    return calibrate_latency(values)
