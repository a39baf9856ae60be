"""A trained policy on the real graph: episodes without noise, and what they say."""

import asyncio
import os
import shutil
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from async_rl_core.atomic_file import replacing
from async_rl_core.bringup.arguments import Argument, table
from async_rl_core.bringup.checks.hardware import require_no_launch_file
from async_rl_core.bringup.process.output import TerminalOutput
from async_rl_core.bringup.process.supervisor import Supervisor
from async_rl_core.bringup.run import prepared
from async_rl_core.config.load import reconfigure
from async_rl_core.config.schema import Config
from async_rl_core.errors import ConfigError
from async_rl_core.evaluation.scores import Scores, success_threshold
from async_rl_core.policies.fixed import FixedPolicy, newest_policy
from async_rl_core.run_folder import episodes, summary
from async_rl_core.run_folder.episodes import read_episodes
from async_rl_core.run_folder.run_folder import RunFolder

_ARGUMENTS = ("episodes", "seed", "rviz", "display", "renderer", "record_video")


def arguments() -> list[Argument]:
    """Returns the launch arguments that an evaluation takes."""
    return [argument for argument in table() if argument.name in _ARGUMENTS]


def evaluate(run: Path, values: Mapping[str, str], clock: Callable[[], datetime] = datetime.now) -> int:
    """Runs episodes with a run's newest policy, reports, and writes the result into the run's folder.

    The graph is that of the run, less what learns. An evaluation that is stopped early reports what was done.

    Args:
        run: the run's folder.
        values: texts by name, of `arguments`.
        clock: the wall clock that names the evaluation's folder.

    Returns:
        The exit code of the command: 0 after the last episode or a requested stop, 1 after the death of a node.

    Raises:
        AsyncRLError: one line, with nothing started, where there is no such run or no checkpoint of it.
    """
    ambient, now = dict(os.environ), clock()
    folder = RunFolder(run.absolute()).evaluation(now).path
    config = configure(run, values, folder)
    require_no_launch_file(config)
    with TerminalOutput([]) as output:
        policy = newest_policy(config, run, output.say)
        with prepared(config, ambient, now) as (config, specs):
            _keep(policy.checkpoint, RunFolder(folder).evaluated_checkpoint)
            output.say(f"evaluating {policy.checkpoint} ({policy.updates} updates); folder: {folder}")
            output.show([spec.name for spec in specs])
            code = asyncio.run(Supervisor(specs, output, ambient).run())
        scores = Scores.of(_finished(folder), success_threshold(config))
        summary.write(RunFolder(folder).evaluation_result, _document(run, policy, config, scores))
        for line in _report(run, policy, config, scores):
            output.say(line)
    return code


def run_config(run: Path) -> Config:
    """Returns the configuration of a run's folder. Raises `ConfigError` if it is not one."""
    path = RunFolder(run).config
    if not path.is_file():
        what = f"has no {path.name}" if run.is_dir() else "is not a folder"
        raise ConfigError(f"{run} {what}; name a run's folder, such as runs/<date>-<task>-<preset>")
    return reconfigure(path)


def configure(run: Path, values: Mapping[str, str], folder: Path) -> Config:
    """Returns the configuration of an evaluation: the run's own, with the policy fixed from the first step on.

    Raises `ConfigError` where there is no such run, or an argument is wrong.
    """
    learned = run_config(run)
    overrides: dict[str, object] = {
        "evaluation.checkpoint": RunFolder(folder).evaluated_checkpoint,
        "agent.initial_steps": 0,
        "duration": None,
        "episodes": learned.evaluation.episodes,
        "seed": learned.evaluation.seed,
        "run_dir": folder,
    }
    labels = {}
    for argument in arguments():
        assert argument.key is not None
        if argument.name in values:
            overrides[argument.key] = argument.value(values[argument.name])
            labels[argument.key] = f"argument {argument.name}"
    return reconfigure(RunFolder(run).config, overrides, labels)


def _keep(checkpoint: Path, copy: Path) -> None:
    try:
        with replacing(copy) as temporary:
            shutil.copyfile(checkpoint, temporary)
    except OSError as error:
        raise ConfigError(f"{checkpoint} cannot be copied to {copy}: {error.strerror}; free space") from None


def _finished(folder: Path) -> list[episodes.EpisodeRow]:
    path = RunFolder(folder).episodes
    return read_episodes(path) if path.exists() else []


def _document(run: Path, policy: FixedPolicy, config: Config, scores: Scores) -> dict[str, object]:
    return {
        "run": str(run.absolute()),
        "checkpoint": policy.checkpoint.name,
        "updates": policy.updates,
        "env_steps": policy.env_steps,
        "task": config.task,
        "preset": config.preset,
        "seed": config.seed,
        "episodes_wanted": config.episodes,
        **scores.document(),
        "async_rl_version": version("async_rl_core"),
    }


def _report(run: Path, policy: FixedPolicy, config: Config, scores: Scores) -> list[str]:
    wanted = "" if config.episodes is None else f" of {config.episodes}"
    return [
        f"{run}: {config.task} without noise, {scores.episodes}{wanted} episodes of seed {config.seed}, "
        f"policy after {policy.updates} updates",
        *scores.lines(),
        f"written to {config.run_dir}",
    ]
