"""The last lines of a run: its result, its folder, and the commands for the next steps."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from async_rl_core.config.schema import Config
from async_rl_core.monitoring.remedy import CHECKOUT, command_line
from async_rl_core.run_folder.run_folder import RunFolder
from async_rl_core.run_folder.summary import LAST

LITTLE = 2.0
"""Ratio of the last episodes to the random ones up to which a policy has hardly learned."""

LAUNCHED_AS = {"reaching": "reacher", "tracking": "tracker"}
"""Tasks whose runs are launched by another name than their own."""

Figures = Mapping[str, object]
"""A run's summary."""


def next_steps(config: Config, run: Path, figures: Figures, ambient: Mapping[str, str]) -> list[str]:
    """Returns the last lines of a run that learns.

    Args:
        config: of the run.
        run: its folder.
        figures: of its summary.
        ambient: environment variables of this process.
    """
    folder = shlex.quote(_short(run))
    root = ambient.get(CHECKOUT)
    runner = f"{shlex.quote(root + '/tools/run.sh')} " if root else ""
    lines = [f"run folder: {run}", result(config, figures), "what next:"]
    launch = LAUNCHED_AS.get(config.task, config.task)
    commands = {"go on": command_line(f"launch {launch} resume:={folder}", ambient)}
    if figures.get("updates"):
        commands["evaluate"] = command_line(f"evaluate {folder}", ambient)
        commands["export"] = command_line(f"export {folder} policy.pt", ambient)
    commands["curve"] = _short(RunFolder(run).learning_curve)
    commands["TensorBoard"] = f"{runner}tensorboard --logdir {shlex.quote(_short(RunFolder(run).tensorboard))}"
    return [*lines, *(f"  {what:12} {command}" for what, command in commands.items())]


def result(config: Config, figures: Figures) -> str:
    """Returns the result of a run in one line."""
    episodes, updates, steps = (_integer(figures, key) for key in ("episodes", "updates", "env_steps"))
    last, random, ratio = (figures.get(f"target_term_{key}") for key in ("last_10", "random", "ratio"))
    done = f"{episodes} episodes, {steps} steps, {updates} updates"
    if not updates:
        random_steps = config.agent.initial_steps
        return f"nothing was learned: {done}; updates begin after {random_steps} random steps ({_begins(config)})"
    if not isinstance(last, float) or not isinstance(random, float):
        return f"result: {done}; there is no episode to compare with the random ones"
    text = f"result: {done}; target term {last:.2f} in the last {min(episodes, LAST)} episodes, {random:.2f} at random"
    if not isinstance(ratio, float):
        return text
    little = "; hardly better than random so far, go on for longer" if ratio < LITTLE else ""
    return f"{text}: {ratio:.1f} times{little}"


def _begins(config: Config) -> str:
    """Returns the duration of the random steps, in words."""
    agent = config.agent
    episodes = agent.initial_steps * agent.action_cycle_time / agent.episode_duration
    return f"about {episodes * (agent.episode_duration + agent.reset_duration):.0f} s"


def _integer(figures: Figures, key: str) -> int:
    value = figures.get(key)
    return value if isinstance(value, int) else 0


def _short(path: Path) -> str:
    """Returns a path, relative to the working directory if it lies below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)
