"""`async_rl evaluate`: runs episodes of a learned policy."""

import argparse

from async_rl.completion import complete_arguments
from async_rl.verb import add_show_args, tell
from async_rl_core.config.paths import user_path
from async_rl_core.errors import ConfigError

SUMMARY = "run episodes of a run's newest policy, without noise"
USAGE = """evaluate <run folder> [<name>:=<value> ...]
evaluate --example [<name>:=<value> ...]
evaluate [<run folder>] --show-args"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the run and the arguments of an evaluation."""
    words = parser.add_argument("words", nargs="*", metavar="<run folder> <name>:=<value>", help="run and arguments")
    complete_arguments(words, _arguments)
    parser.add_argument("--example", action="store_true", help="evaluate a policy that comes with the suite")
    add_show_args(parser)


def run(options: argparse.Namespace) -> int:
    """Evaluates the policy, or lists the arguments."""
    # Imported here because the other verbs do not need torch.
    from async_rl_core.bringup.arguments import describe, parse, values_of
    from async_rl_core.evaluation.evaluate import arguments, configure, evaluate

    words = options.words
    if options.show_args:
        folder = next((user_path(word) for word in words if ":=" not in word), None)
        known = {} if folder is None else values_of(configure(folder, {}, folder), arguments())
        print(describe(arguments(), known, "as the run's config.yaml says"))
        return 0
    if options.example:
        return _evaluate_example(parse(words, arguments()))
    if not words or ":=" in words[0]:
        raise ConfigError("evaluate which run? async_rl evaluate <run folder> [<name>:=<value> ...], or --example")
    return evaluate(user_path(words[0]), parse(words[1:], arguments()))


def _evaluate_example(values: dict[str, str]) -> int:
    from datetime import datetime

    from async_rl_core.evaluation.evaluate import evaluate
    from async_rl_core.evaluation.example import make_example_run

    run_folder = make_example_run(datetime.now())
    tell(f"the example policy is in {run_folder}; videos of its episodes are written to its evaluations/")
    return evaluate(run_folder, values)


def _arguments():  # type: ignore[no-untyped-def]
    from async_rl_core.evaluation.evaluate import arguments

    return arguments()
