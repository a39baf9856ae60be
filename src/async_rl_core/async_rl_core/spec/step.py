"""The record that an agent sends to replay once per action cycle."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from async_rl_core.errors import ConfigError

LARGEST = float(np.finfo(np.float32).max)
SINGLE_ACTOR = ""
"""The actor of a run with one arm and no namespace."""
_ACTOR = re.compile(r"([A-Za-z][A-Za-z0-9_]*(/[A-Za-z][A-Za-z0-9_]*)*)?")
MAX_ACTOR_LENGTH = 60


def is_actor(name: str) -> bool:
    """Returns whether a name is an actor's: a relative ROS namespace that is not too long."""
    return len(name) <= MAX_ACTOR_LENGTH and _ACTOR.fullmatch(name) is not None


def checked_actor(name: str) -> str:
    """Returns an actor's name. Raises `ConfigError` where it is none."""
    if not is_actor(name):
        raise ConfigError(
            f"actor '{name}': use a ROS namespace of at most {MAX_ACTOR_LENGTH} letters, digits, '_' and '/', "
            "such as 'left_arm'"
        )
    return name


@dataclass(frozen=True, slots=True)
class Step:
    """The observation at time t, with the action and the reward that led to it (as a dm_env TimeStep).

    A transition (o_{t-1}, a_{t-1}, r_t, o_t) exists when steps t-1 and t of one actor's episode have both arrived.
    Each camera frame is sent once; the stack is rebuilt from the frames of the episode, whose first stands in for
    those before it.
    """

    actor: str
    """The arm that made it: its ROS namespace, or `SINGLE_ACTOR`."""
    sequence: int
    """Counts every step of an actor from 0: a gap is a loss."""
    episode: int
    """Counts the episodes of an actor."""
    index: int
    """Position in the episode; 0 carries an observation only."""
    frames: NDArray[np.uint8]
    """(k, height, width, 3): the camera frames since the previous step, oldest first; k = 1 at index 0.

    (0, 0, 0, 3) without a camera.
    """
    state: NDArray[np.float32]
    """(s,): the parts of `ObservationSpec`, in their order."""
    action: NDArray[np.float32]
    """(a,) in [-1, 1], chosen on the observation of step t-1; zeros at index 0."""
    reward: float
    """For that action; 0 at index 0."""
    terminal: bool
    """No return follows this observation. A time limit is not terminal: its value is bootstrapped."""

    @property
    def is_finite(self) -> bool:
        """Whether every number is finite and within the range of float32."""
        vectors = np.isfinite(self.state).all() and np.isfinite(self.action).all()
        return bool(vectors) and abs(self.reward) <= LARGEST  # false for NaN
