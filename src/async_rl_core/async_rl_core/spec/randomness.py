"""Random numbers of the agent. They follow from seed and episode, so that a resumed run needs no saved state."""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """The random streams of the agent; replay has its own numbers."""

    RANDOM_ACTIONS = 2
    POLICY_NOISE = 3


def episode_seed(seed: int, stream: Stream, episode: int) -> np.random.SeedSequence:
    """Returns the seed of one stream in one episode of a run."""
    return np.random.SeedSequence([seed, stream, episode])
