"""The scores of a policy over some episodes."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from async_rl_core.config.schema import Config
from async_rl_core.run_folder.episodes import EpisodeRow
from async_rl_core.tasks.registry import make_task


@dataclass(frozen=True, slots=True)
class Score:
    """A figure's mean over episodes and the standard error of that mean."""

    mean: float | None
    """None without an episode."""
    standard_error: float | None
    """Sample standard deviation (n - 1) over the root of n; none with fewer than two episodes."""

    @classmethod
    def of(cls, values: Sequence[float]) -> "Score":
        """Returns the score of one value per episode."""
        if not values:
            return cls(None, None)
        error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None
        return cls(statistics.fmean(values), error)

    def __str__(self) -> str:
        """Mean and standard error, in columns."""
        return f"{_column(self.mean)}  standard error {_column(self.standard_error)}"


@dataclass(frozen=True, slots=True)
class Scores:
    """An evaluation's figures (Yuan, 2022, section 6.2: the averaged return of 10 episodes without noise).

    The papers judge by return alone. Here an episode is a success when its target term, the reward's first term
    averaged over the steps, reaches `threshold`: a figure of the whole episode, which Tracking needs, from the
    camera's images alone, which a real robot has, and the same for every action cycle time.
    """

    episodes: int
    successes: int
    threshold: float
    episode_return: Score
    target_term: Score
    missed_cycles: int

    @classmethod
    def of(cls, rows: Sequence[EpisodeRow], threshold: float) -> "Scores":
        """Returns the scores of finished episodes; `threshold` as `success_threshold` gives it."""
        return cls(
            len(rows),
            sum(row.target_term >= threshold for row in rows),
            threshold,
            Score.of([row.episode_return for row in rows]),
            Score.of([row.target_term for row in rows]),
            sum(row.missed_cycles for row in rows),
        )

    @property
    def success_rate(self) -> float | None:
        """The share of episodes that are a success; none without an episode."""
        return self.successes / self.episodes if self.episodes else None

    def document(self) -> dict[str, object]:
        """Returns the figures by name, null where there is none."""
        return {
            "episodes": self.episodes,
            "return_mean": self.episode_return.mean,
            "return_standard_error": self.episode_return.standard_error,
            "target_term_mean": self.target_term.mean,
            "target_term_standard_error": self.target_term.standard_error,
            "success_rate": self.success_rate,
            "success_target_term": self.threshold,
            "missed_cycles": self.missed_cycles,
        }

    def lines(self) -> list[str]:
        """Returns the figures as lines of text."""
        return [
            f"return       {self.episode_return}",
            f"target term  {self.target_term}",
            f"success rate {_column(self.success_rate)}  {self.successes} of {self.episodes} episodes: target term of "
            f"{self.threshold:g} or more",
        ]


def _column(value: float | None) -> str:
    return f"{'-':>9}" if value is None else f"{value:9.2f}"


def success_threshold(config: Config) -> float:
    """Returns the target term from which an episode is a success for its task."""
    return make_task(config).success
