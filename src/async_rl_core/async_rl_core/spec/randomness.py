"""Random numbers of an agent that stops and goes on: an episode's follow from its number, so none need be kept."""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What in a run's agent is random; the numbers of replay's are its own."""

    RANDOM_ACTIONS = 2
    POLICY_NOISE = 3


def episode_seed(seed: int, stream: Stream, episode: int) -> np.random.SeedSequence:
    """The seed of one stream in one episode of a run."""
    return np.random.SeedSequence([seed, stream, episode])
