"""What a task returns, checked: it may be anyone's code."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from async_rl_core.errors import AsyncRLError
from async_rl_core.spec.step import LARGEST
from async_rl_core.tasks.task import Pose, Reward

LONGEST = 100
"""Characters of what a task returned or raised that an error quotes."""


class TaskError(AsyncRLError):
    """A task that returned what cannot be used, or raised an error of its own."""


class CheckedReward:
    """A task's reward, which raises `TaskError`, one line with the task's name, rather than return anything odd.

    Args:
        task: its name.
        reward: of the task.
    """

    def __init__(self, task: str, reward: Reward) -> None:
        self._task, self._reward = task, reward

    def __call__(self, image: NDArray[np.uint8], angles: NDArray[np.float64]) -> tuple[float, float]:
        """The reward and its target term: finite, and within float32's range."""
        try:
            returned: Any = self._reward(image, angles)
        except Exception as error:
            raise TaskError(f"task '{self._task}': its reward raised {_short(error)}") from error
        if not isinstance(returned, tuple) or len(returned) != 2:
            raise TaskError(f"task '{self._task}': its reward returned {_short(returned)}, not a reward and its term")
        reward, target_term = returned
        return self._number("reward", reward), self._number("target term", target_term)

    def _number(self, name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
            raise TaskError(f"task '{self._task}': its {name} is {_short(value)}, not a number")
        if not -LARGEST <= value <= LARGEST:  # nor is NaN
            raise TaskError(f"task '{self._task}': its {name} is {_short(value)}, not finite in float32")
        return float(value)


def checked_waypoints(task: str, waypoints: Callable[[int], Sequence[Pose]], episode: int, joints: int) -> list[Any]:
    """The poses (joints,) that a task's reset goes through. Raises `TaskError` where they are none."""
    try:
        poses = [np.array(pose, np.float64) for pose in waypoints(episode)]
    except Exception as error:
        raise TaskError(f"task '{task}': its reset poses raised {_short(error)}") from error
    for pose in poses:
        if pose.shape != (joints,) or not np.isfinite(pose).all():
            raise TaskError(f"task '{task}': a reset pose is {_short(pose.tolist())}, not {joints} finite angles")
    return poses


def _short(value: object) -> str:
    """One line that says what a value is."""
    try:
        text = " ".join(repr(value).split())
    except Exception:
        text = "something that cannot be printed"
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    return text if isinstance(value, Exception) else f"{text} ({type(value).__name__})"
