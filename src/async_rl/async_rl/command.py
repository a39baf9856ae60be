"""The command line of `async_rl`."""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from async_rl import middleware, presets, run_config, runs
from async_rl.operator import ask
from async_rl_core.bringup import calibration
from async_rl_core.bringup.arguments import TASKS, Argument, defaults, describe, parse, table, values_of
from async_rl_core.bringup.checks.doctor import examine
from async_rl_core.bringup.run import run
from async_rl_core.config.catalogue import config_folder
from async_rl_core.config.explain import did_you_mean
from async_rl_core.config.paths import user_path
from async_rl_core.errors import AsyncRLError, ConfigError
from async_rl_core.security.keystore import keystore_folder

USAGE = """usage: async_rl launch reacher|tracker [<name>:=<value> ...]   start a run, until its end or Ctrl-C
       async_rl launch reacher|tracker --show-args             list the arguments
       async_rl evaluate <run folder> [<name>:=<value> ...]    episodes of a run's newest policy, without noise
       async_rl evaluate --example [<name>:=<value> ...]       the same of a policy that comes with the suite
       async_rl evaluate --show-args                           list the arguments
       async_rl export <run folder> [<file>] [format:=torchscript|onnx]   that policy as one file, with a card
       async_rl runs [<folder>] | runs <run> <run>             list runs, or compare some
       async_rl arm|disarm|reset-fault [secure:=true]          ask the safety guard of a run that goes on
       async_rl calibrate latency [<name>:=<value> ...]        how late the camera's images are stamped
       async_rl calibrate latency --show-args                  list the arguments
       async_rl preset list | preset show <name> [robot:=<name>]   presets; one resolved, as a file to save and change
       async_rl config accept <run folder>                     confirm a config.yaml that you edited
       async_rl keys                                           make the keys for secure:=true, or bring them up to date
       async_rl doctor                                         check this machine, and say what to do
       async_rl --help

'async_rl launch reacher' does what 'ros2 launch async_rl reacher.launch.py' does, where ROS 2 is not installed.
'async_rl evaluate' needs a ROS domain of its own (ROS_DOMAIN_ID) while the run goes on.
'async_rl arm', 'disarm' and 'reset-fault' work in another terminal, with the run's ROS_DOMAIN_ID.
Exit codes: 0 the run ended as asked, 1 a node died, a check failed or the guard refused, 2 a wrong argument or a
machine not ready, 3 the run ended while a fault of the safety guard stood."""

_LISTED = {"--show-args", "-s", "-h", "--help"}


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
        case ["evaluate", *rest]:
            return _evaluate(rest)
        case ["export", *rest]:
            return _export(rest)
        case ["runs", *rest]:
            return runs.command(rest)
        case [("arm" | "disarm" | "reset-fault") as name, *rest]:
            return _operate(name, rest)
        case ["calibrate", "latency", *rest]:
            return _calibrate_latency(rest)
        case ["calibrate", *_]:
            raise ConfigError("calibrate what? async_rl calibrate latency [<name>:=<value> ...]")
        case ["preset", *rest]:
            return presets.command(rest)
        case ["config", *rest]:
            return run_config.command(rest)
        case ["keys"]:
            return _keys()
    known = (
        "launch",
        "arm",
        "disarm",
        "reset-fault",
        "evaluate",
        "export",
        "runs",
        "calibrate",
        "preset",
        "config",
        "keys",
        "doctor",
    )
    raise ConfigError(f"unknown command '{' '.join(words)}'{did_you_mean(words[0], known)}; see async_rl --help")


def _launch(name: str, words: list[str]) -> int:
    if name not in TASKS:
        raise ConfigError(f"nothing to launch called '{name}'{did_you_mean(name, TASKS)}; allowed: {', '.join(TASKS)}")
    if _LISTED & set(words):
        values = parse(word for word in words if word not in _LISTED)
        print(describe(table(TASKS[name]), defaults(values, TASKS[name])))
        return 0
    return run(parse(words), TASKS[name])


def _operate(name: str, words: list[str]) -> int:
    if _LISTED & set(words):
        print(USAGE)
        return 0
    return ask(name, words)


def _evaluate(words: list[str]) -> int:
    # Here, and not above: the other commands need not wait for torch.
    from async_rl_core.evaluation.evaluate import arguments, configure, evaluate

    if _LISTED & set(words):
        folder = next((user_path(word) for word in words if ":=" not in word and not word.startswith("-")), None)
        known = {} if folder is None else values_of(configure(folder, {}, folder), arguments())
        print(describe(arguments(), known, "as the run's config.yaml says"))
        return 0
    if words and words[0] == "--example":
        from async_rl_core.evaluation.example import make_example_run

        values = parse(words[1:], arguments())
        run_folder = make_example_run(datetime.now())
        _tell(f"the example policy lies in {run_folder}; videos of its episodes come into its evaluations/")
        return evaluate(run_folder, values)
    if not words or ":=" in words[0]:
        raise ConfigError("evaluate which run? async_rl evaluate <run folder> [<name>:=<value> ...], or --example")
    return evaluate(user_path(words[0]), parse(words[1:], arguments()))


def _export(words: list[str]) -> int:
    if _LISTED & set(words):
        print(USAGE)
        return 0
    if words and user_path(words[0]).is_dir():
        _tell("loading PyTorch")  # at once, since that takes seconds
    from async_rl_core.evaluation.evaluate import run_config
    from async_rl_core.policies.export.export import export
    from async_rl_core.policies.export.formats import FORMATS

    format_ = Argument("format", "the kind of file", None, choices=tuple(FORMATS))
    paths = [word for word in words if ":=" not in word]
    values = parse((word for word in words if ":=" in word), [format_])
    if len(paths) not in (1, 2):
        raise ConfigError("export what? async_rl export <run folder> [<file>] [format:=torchscript|onnx]")
    run_folder, *out = map(user_path, paths)
    config = run_config(run_folder)
    for path in export(config, run_folder, out[0] if out else None, values.get("format"), _tell):
        print(path)
    return 0


def _tell(line: str) -> None:
    """Prints how far a command is, beside its result."""
    print(line, file=sys.stderr, flush=True)


def _calibrate_latency(words: list[str]) -> int:
    arguments = calibration.arguments()
    if _LISTED & set(words):
        values = parse((word for word in words if word not in _LISTED), arguments)
        print(describe(arguments, defaults(values)))
        return 0
    return calibration.calibrate_latency(parse(words, arguments))


def _keys() -> int:
    # Here, since nothing else needs its libraries.
    from async_rl_core.security.issue import make_keystore

    keystore = keystore_folder(os.environ)
    issued = make_keystore(keystore, config_folder() / "security", datetime.now(UTC))
    print(f"keystore {keystore}: {len(issued)} new keys; rights as in {config_folder() / 'security'}")
    return 0
