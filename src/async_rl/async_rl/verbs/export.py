"""`async_rl export`: writes a policy as one file."""

import argparse

from async_rl.verb import tell
from async_rl_core.config.paths import user_path
from async_rl_core.errors import ConfigError

SUMMARY = "write a run's newest policy as one file, with a card"
USAGE = "export <run folder> [<file>] [format:=torchscript|onnx]"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the run, the file and its format."""
    parser.add_argument(
        "words",
        nargs="*",
        metavar="<run folder> <file> format:=<format>",
        help="the run; the file, by default in the run's folder; torchscript or onnx",
    )


def run(options: argparse.Namespace) -> int:
    """Exports the policy and prints the paths of policy and card."""
    paths = [word for word in options.words if ":=" not in word]
    if paths and user_path(paths[0]).is_dir():
        tell("loading PyTorch")  # before the imports, which take seconds
    from async_rl_core.bringup.arguments import Argument, parse
    from async_rl_core.evaluation.evaluate import run_config
    from async_rl_core.policies.export.export import export
    from async_rl_core.policies.export.formats import FORMATS

    format_ = Argument("format", "the kind of file", None, choices=tuple(FORMATS))
    values = parse((word for word in options.words if ":=" in word), [format_])
    if len(paths) not in (1, 2):
        raise ConfigError(f"export what? async_rl {USAGE}")
    run_folder, *out = map(user_path, paths)
    for path in export(run_config(run_folder), run_folder, out[0] if out else None, values.get("format"), tell):
        print(path)
    return 0
