"""A task whose results are checked: it may be anyone's code."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from async_rl_core.errors import AsyncRLError
from async_rl_core.spec.step import LARGEST
from async_rl_core.tasks.outcome import Outcome
from async_rl_core.tasks.task import SceneView, Task

LONGEST = 100
"""Characters of a value or error that an error message quotes."""


class TaskError(AsyncRLError):
    """A task that returned something that cannot be used, or raised an error of its own."""


class Judgement(NamedTuple):
    """A task's verdict on the outcome of an action."""

    reward: float
    target_term: float
    terminal: bool


class CheckedTask:
    """A task that raises `TaskError`, one line with the task's name, wherever it breaks its contract.

    Args:
        name: name of the task.
        task: the task itself.

    Raises `TaskError` where the task has no reward.
    """

    def __init__(self, name: str, task: Task) -> None:
        self.name = name
        self._task = task
        self._sizes = {part.name: part.size for part in task.observation_parts()}
        try:
            self._reward = task.reward()
        except Exception as error:
            raise self._error(f"its reward raised {_short(error)}") from error

    @property
    def has_state(self) -> bool:
        """Whether the task has observation parts of its own."""
        return bool(self._sizes)

    @property
    def uses_camera(self) -> bool:
        """Whether an observation has an image."""
        return self._task.uses_camera

    def judge(self, outcome: Outcome) -> Judgement:
        """Returns the verdict on an outcome. Its numbers are finite and within float32's range."""
        try:
            returned: Any = self._reward(outcome)
        except Exception as error:
            raise self._error(f"its reward raised {_short(error)}") from error
        if not isinstance(returned, tuple) or len(returned) != 2:
            raise self._error(f"its reward returned {_short(returned)}, not a reward and its term")
        reward, target_term = returned
        return Judgement(
            self._number("reward", reward), self._number("target term", target_term), self._terminal(outcome)
        )

    def is_success(self, target_term: float) -> bool:
        """Returns whether an episode with this target term is a success."""
        return target_term >= self._task.success

    def episode_term(self, terms: list[float]) -> float:
        """Returns the target term of an episode from those of its steps."""
        return terms[-1] if self._task.episode_term == "last" else sum(terms) / len(terms)

    def reset_waypoints(self, episode: int, joints: int) -> list[NDArray[np.float64]]:
        """Returns the poses (joints,) that the reset of an episode passes, in rad."""
        try:
            poses = [np.array(pose, np.float64) for pose in self._task.reset_waypoints(episode)]
        except Exception as error:
            raise self._error(f"its reset poses raised {_short(error)}") from error
        for pose in poses:
            if pose.shape != (joints,) or not np.isfinite(pose).all():
                raise self._error(f"a reset pose is {_short(pose.tolist())}, not {joints} finite angles")
        return poses

    def simulated_state(self, view: SceneView) -> dict[str, NDArray[np.float64]]:
        """Returns the values of the task's observation parts in the simulated scene."""
        try:
            values = self._task.simulated_state(view)
        except Exception as error:
            raise self._error(f"its simulated state raised {_short(error)}") from error
        return self.state(values)

    def reset_scene(self, view: SceneView) -> None:
        """Places the objects of the simulated scene."""
        try:
            self._task.reset_scene(view)
        except Exception as error:
            raise self._error(f"placing its objects raised {_short(error)}") from error

    def state(self, values: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:
        """Returns the values of the task's observation parts, checked: all there, of their size, finite."""
        if not isinstance(values, Mapping):
            raise self._error(f"its state is {_short(values)}, not a mapping from part to values")
        state = {}
        for name, size in self._sizes.items():
            if name not in values:
                raise self._error(f"its state lacks the part '{name}'; it has {sorted(map(str, values))}")
            try:
                array = np.array(values[name], np.float64)
            except (TypeError, ValueError):
                raise self._error(f"part '{name}' of its state is {_short(values[name])}, not numbers") from None
            if array.shape != (size,):
                raise self._error(f"part '{name}' of its state has shape {array.shape}, not ({size},)")
            if not (np.abs(array) <= LARGEST).all():  # NaN fails the comparison too
                raise self._error(f"part '{name}' of its state is {_short(array.tolist())}, not finite in float32")
            state[name] = array
        return state

    def _terminal(self, outcome: Outcome) -> bool:
        try:
            terminal: Any = self._task.terminal(outcome)
        except Exception as error:
            raise self._error(f"its terminal raised {_short(error)}") from error
        if not isinstance(terminal, bool | np.bool_):
            raise self._error(f"its terminal returned {_short(terminal)}, not a bool")
        return bool(terminal)

    def _number(self, name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
            raise self._error(f"its {name} is {_short(value)}, not a number")
        if not -LARGEST <= value <= LARGEST:  # NaN fails the comparison too
            raise self._error(f"its {name} is {_short(value)}, not finite in float32")
        return float(value)

    def _error(self, problem: str) -> TaskError:
        return TaskError(f"task '{self.name}': {problem}")


def _short(value: object) -> str:
    """Returns one line that describes a value."""
    try:
        text = " ".join(repr(value).split())
    except Exception:
        text = "something that cannot be printed"
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    return text if isinstance(value, Exception) else f"{text} ({type(value).__name__})"
