"""The command line of `async_rl`."""

import sys
from collections.abc import Sequence

from async_rl import middleware
from async_rl_core.bringup.arguments import TASKS, describe, parse
from async_rl_core.bringup.doctor import examine
from async_rl_core.bringup.run import run
from async_rl_core.config.explain import did_you_mean
from async_rl_core.errors import AsyncRLError, ConfigError

USAGE = """usage: async_rl launch reacher|tracker [<name>:=<value> ...]   start a run, until its end or Ctrl-C
       async_rl launch reacher|tracker --show-args             list the arguments
       async_rl doctor                                         check this machine, and say what to do
       async_rl --help

'async_rl launch reacher' does what 'ros2 launch async_rl reacher.launch.py' does, where ROS 2 is not installed.
Exit codes: 0 the run ended as asked, 1 a node died or a check failed, 2 a wrong argument or a machine not ready."""


def main(words: Sequence[str] | None = None) -> int:
    """Run the command; `words` are the command line's without the program's name."""
    words = list(sys.argv[1:] if words is None else words)
    try:
        return _dispatch(words)
    except AsyncRLError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # before anything was started, or after everything ended
        return 130


def _dispatch(words: list[str]) -> int:
    match words:
        case [] | ["-h" | "--help" | "help", *_]:
            print(USAGE)
            return 0 if words else 2
        case ["doctor"]:
            return examine([middleware.check])
        case ["launch"]:
            raise ConfigError(f"launch what? allowed: {', '.join(TASKS)}")
        case ["launch", "-h" | "--help"]:
            print(USAGE)
            return 0
        case ["launch", name, *rest]:
            return _launch(name.removesuffix(".launch.py"), rest)
    known = ("launch", "doctor")
    raise ConfigError(f"unknown command '{' '.join(words)}'{did_you_mean(words[0], known)}; see async_rl --help")


def _launch(name: str, words: list[str]) -> int:
    if name not in TASKS:
        raise ConfigError(f"nothing to launch called '{name}'{did_you_mean(name, TASKS)}; allowed: {', '.join(TASKS)}")
    if {"--show-args", "-s", "-h", "--help"} & set(words):
        print(describe(TASKS[name]))
        return 0
    return run(parse(words, TASKS[name]), TASKS[name])
