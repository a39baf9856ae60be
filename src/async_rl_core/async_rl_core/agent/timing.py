"""The agent's deadlines and latencies, for the whole run and for the episode at hand."""

from collections import deque

from async_rl_core.agent.histogram import Histogram

EPISODE_CYCLES = 2000
"""Cycles in an episode's percentile at most: hours of waiting before it must not make it slow to compute."""


class Timing:
    """Measured in every cycle, resets included; times are in seconds, what is kept in milliseconds.

    `lateness`: from the deadline to the command on the wire. `observation_age`: from the newest image's capture
    to the action's start. `command_latency`: from that capture to the command on the wire. `inference`: from the
    action's start to its end.
    """

    def __init__(self) -> None:
        self.lateness = Histogram("lateness")
        self.observation_age = Histogram("observation_age")
        self.command_latency = Histogram("command_latency")
        self.inference = Histogram("inference")
        self.cycles = 0
        self.missed_cycles = 0
        self.stale_images = 0
        self._episode_lateness: deque[float] = deque(maxlen=EPISODE_CYCLES)
        self._episode_missed = 0

    @property
    def histograms(self) -> tuple[Histogram, ...]:
        """All of them."""
        return (self.lateness, self.observation_age, self.command_latency, self.inference)

    def cycle(self, lateness: float, missed: int, inference: float) -> None:
        """Count a cycle: its command's lateness, and the whole cycles that went by without one."""
        milliseconds = 1e3 * lateness
        self.cycles += 1
        self.missed_cycles += missed
        self._episode_missed += missed
        self.lateness.add(milliseconds)
        self.inference.add(1e3 * inference)
        self._episode_lateness.append(milliseconds)

    def image(self, age: float, latency: float) -> None:
        """Count a cycle that acted on a fresh image."""
        self.observation_age.add(1e3 * age)
        self.command_latency.add(1e3 * latency)

    def end_episode(self) -> tuple[float, int]:
        """The 99th percentile of lateness in ms and the missed cycles since the last call."""
        rank = -(-99 * len(self._episode_lateness) // 100)  # the nearest rank, rounded up
        p99 = sorted(self._episode_lateness)[rank - 1] if self._episode_lateness else 0.0
        missed = self._episode_missed
        self._episode_lateness.clear()
        self._episode_missed = 0
        return p99, missed
