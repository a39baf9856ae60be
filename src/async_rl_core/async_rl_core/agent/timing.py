"""The agent's deadlines and latencies, for the whole run and for the current episode."""

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from async_rl_core.agent.acting_policy import ActingPolicy, Action
from async_rl_core.realtime.histogram import Histogram

EPISODE_CYCLES = 2000
"""Maximum number of cycles in an episode's percentile: hours of waiting before it must not make it slow to compute."""


class Timing:
    """Measurements of every cycle, resets included; arguments are in seconds, the histograms in milliseconds.

    `lateness`: from the deadline to the command on the wire. `observation_age`: from the newest image's capture
    to the action's start. `command_latency`: from that capture to the command on the wire. `inference`: from the
    action's start to its end. `act` and `environment`: what the agent itself does in a cycle in which its policy acts
    (see monitor/components.py).
    """

    def __init__(self, cycles: int = 0, missed_cycles: int = 0, stale_images: int = 0) -> None:
        """Continues the counts of the run so far; the histograms start empty."""
        self.lateness = Histogram("lateness")
        self.observation_age = Histogram("observation_age")
        self.command_latency = Histogram("command_latency")
        self.inference = Histogram("inference")
        self.act = Histogram("act")
        self.environment = Histogram("environment")
        self.cycles = cycles
        self.missed_cycles = missed_cycles
        self.stale_images = stale_images
        self._episode_lateness: deque[float] = deque(maxlen=EPISODE_CYCLES)
        self._episode_missed = 0

    @property
    def histograms(self) -> tuple[Histogram, ...]:
        """All histograms."""
        latencies = (self.lateness, self.observation_age, self.command_latency, self.inference)
        return (*latencies, self.act, self.environment)

    def cycle(self, lateness: float, missed: int, inference: float) -> None:
        """Counts a cycle: its command's lateness in seconds, and the whole cycles that passed without a command."""
        milliseconds = 1e3 * lateness
        self.cycles += 1
        self.missed_cycles += missed
        self._episode_missed += missed
        self.lateness.add(milliseconds)
        self.inference.add(1e3 * inference)
        self._episode_lateness.append(milliseconds)

    def image(self, age: float, latency: float) -> None:
        """Counts a cycle that acted on a new image."""
        self.observation_age.add(1e3 * age)
        self.command_latency.add(1e3 * latency)

    def components(self, act: float, environment: float) -> None:
        """Counts a cycle in which the policy acted."""
        self.act.add(1e3 * act)
        self.environment.add(1e3 * environment)

    def end_episode(self) -> tuple[float, int]:
        """Returns the 99th percentile of lateness in ms and the missed cycles since the last call."""
        rank = -(-99 * len(self._episode_lateness) // 100)  # the nearest rank, rounded up
        p99 = sorted(self._episode_lateness)[rank - 1] if self._episode_lateness else 0.0
        missed = self._episode_missed
        self._episode_lateness.clear()
        self._episode_missed = 0
        return p99, missed


class TimedPolicy:
    """A policy that measures the `seconds` of `clock` that its last action took."""

    def __init__(self, actor: ActingPolicy, clock: Callable[[], float]) -> None:
        self.seconds = 0.0
        self._actor, self._clock = actor, clock

    def begin_episode(self, episode: int) -> None:
        """As the actor does."""
        self._actor.begin_episode(episode)

    def act(self, images: NDArray[np.uint8], state: NDArray[np.float32]) -> Action:
        """As the actor does."""
        start = self._clock()
        action = self._actor.act(images, state)
        self.seconds = self._clock() - start
        return action
