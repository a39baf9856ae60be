"""A policy as the agent runs it. This module imports without torch."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import nn


class ActingPolicy(Protocol):
    """Turns one observation into one action, in the agent's process."""

    def begin_episode(self, episode: int) -> None:
        """Resets the noise, so that an episode of one number and seed always has the same random numbers."""

    def act(self, images: NDArray[np.uint8], state: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Returns an action (a,) in [-1, 1].

        The images (h, w, C) are cropped and stacked, and of size 0 without a camera; the state is the whole row (s,).
        """


class LearnedPolicy(ActingPolicy, Protocol):
    """A policy with parameters, which a learner publishes and a checkpoint stores."""

    @property
    def size(self) -> int:
        """Number of parameters: the length of what `load` takes."""

    @property
    def networks(self) -> "Mapping[str, nn.Module]":
        """The networks by the names that they have in the learner's checkpoints."""

    @property
    def feature_points(self) -> NDArray[np.float32]:
        """Image points (n, 2) that the last `act` looked at, in [-1, 1]: x to the right, y down; (0, 2) if none."""

    def load(self, parameters: NDArray[np.float32]) -> None:
        """Copies a vector of `Algorithm.policy_parameters`. Raises ValueError if its length or type differs."""

    def prepare(self) -> None:
        """Recomputes what `act` derives from the parameters, after they were written through `networks`."""

    def deterministic_network(self) -> "nn.Module":
        """Returns a copy of the policy as one module, for export.

        It maps cropped images (B, C, h, w) float32 with values 0 to 255 and states (B, s) float32 to actions (B, a)
        without noise.
        """

    def act(
        self, images: NDArray[np.uint8], state: NDArray[np.float32], deterministic: bool = False
    ) -> NDArray[np.float32]:
        """Returns an action: with exploration noise, or without it if `deterministic`."""
