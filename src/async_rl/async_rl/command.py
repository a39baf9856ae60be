"""The command `async_rl`: chooses the verb and prints errors as one line."""

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from typing import NoReturn

from async_rl.verb import VERBS, load_verb
from async_rl_core.errors import AsyncRLError, ConfigError, did_you_mean

_EPILOG = """'async_rl <verb> --help' explains a verb.
'async_rl launch reacher' does what 'ros2 launch async_rl reacher.launch.py' does, without the launch packages of ROS 2.
'async_rl evaluate' needs a ROS domain of its own (ROS_DOMAIN_ID) while the run is running.
'async_rl arm', 'disarm' and 'reset-fault' work in another terminal, with the ROS_DOMAIN_ID of the run.
Exit codes: 0 the run ended as asked; 1 a node died, a check failed or the guard refused; 2 an argument is wrong or
the computer is not ready; 3 the run ended while a fault of the safety guard stood."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message}; see {self.prog} --help")


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code; `words` are those after the program's name."""
    if words is None and "_ARGCOMPLETE" in os.environ:
        _complete()
    words = list(sys.argv[1:] if words is None else words)
    try:
        return _dispatch(words)
    except AsyncRLError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except SystemExit as end:  # argparse has printed help
        return int(end.code or 0)
    except KeyboardInterrupt:  # before anything was started, or after everything ended
        return 130


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("help", "-h", "--help"):
        make_parser(None).print_help()
        return 0 if words else 2
    name = words[0]
    if name not in VERBS:
        raise ConfigError(f"unknown command '{' '.join(words)}'{did_you_mean(name, VERBS)}; see async_rl --help")
    options, unknown = make_parser(name).parse_known_args(words)
    if unknown and "words" not in options:
        raise ConfigError(f"'{unknown[0]}' is not an argument of {name}; see async_rl {name} --help")
    if unknown:
        options.words = [*options.words, *unknown]
    return load_verb(name).run(options)


def make_parser(verb: str | None) -> argparse.ArgumentParser:
    """Returns the parser of the command, with the arguments of one verb."""
    layout = partial(argparse.RawDescriptionHelpFormatter, max_help_position=30, width=120)
    parser = _Parser(
        prog="async_rl",
        usage="async_rl <verb> [...]",
        description="\n".join(["Verbs:", *(f"  {name:12} {load_verb(name).SUMMARY}" for name in VERBS)]),
        epilog=_EPILOG,
        formatter_class=layout,
        allow_abbrev=False,
    )
    verbs = parser.add_subparsers(help=argparse.SUPPRESS, dest="verb", parser_class=_Parser)
    for name in VERBS:
        module = load_verb(name)
        usage = "\n       ".join(f"async_rl {line}" for line in module.USAGE.splitlines())
        own = verbs.add_parser(
            name,
            usage=usage,
            description=f"{module.SUMMARY[0].upper()}{module.SUMMARY[1:]}.",
            formatter_class=layout,
            allow_abbrev=False,
        )
        if name == verb:
            module.add_arguments(own)
    return parser


def _complete() -> None:
    """Answers the shell that completes a word, and ends the process."""
    import argcomplete

    words = os.environ.get("COMP_LINE", "").split()
    argcomplete.autocomplete(make_parser(words[1] if len(words) > 1 else None), always_complete_options=False)
