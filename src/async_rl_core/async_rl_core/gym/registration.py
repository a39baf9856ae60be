"""The names of the environments: one for each robot and task."""

import gymnasium

from async_rl_core.config.catalogue import robots
from async_rl_core.config.load import resolve
from async_rl_core.config.task import tasks
from async_rl_core.errors import ConfigError

NAMESPACE = "async_rl"

_ROBOTS = {"ur5": "UR5", "ur5e": "UR5e", "fr3": "FR3"}
_TASKS = {"reaching": "Reacher", "tracking": "Tracker"}


def register() -> None:
    """Registers the environments with Gymnasium: `gymnasium.make("async_rl/UR5Reacher-v0")`.

    Pairs that no configuration allows, such as a task at a table for an arm without one, are left out.
    """
    for robot in robots():
        for task in tasks():
            name = f"{NAMESPACE}/{_ROBOTS.get(robot, _name(robot))}{_TASKS.get(task, _name(task))}-v0"
            if name not in gymnasium.registry and _is_possible(robot, task):
                kwargs = {"robot": robot, "task": task}
                gymnasium.register(name, entry_point="async_rl_core.gym.environment:ArmEnv", kwargs=kwargs)


def _is_possible(robot: str, task: str) -> bool:
    try:
        resolve("yuan2022_baseline", {"task": task}, robot)
    except ConfigError:
        return False
    return True


def _name(word: str) -> str:
    """Returns the word in camel case."""
    return "".join(part.title() for part in word.split("_"))
