"""summary.json: a run in figures."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from async_rl_core.atomic_file import replacing
from async_rl_core.config.schema import Config
from async_rl_core.run_folder import components
from async_rl_core.run_folder.episodes import EpisodeRow
from async_rl_core.run_folder.run_folder import RunFolder

LAST = 10
"""Episodes in the mean of the last ones."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """A histogram's figures."""

    name: str
    unit: str
    p50: float
    p99: float
    max: float
    mean: float = 0.0


@dataclass(frozen=True, slots=True)
class TimingCounts:
    """The agent's counts since the run's start, and its latencies since its own."""

    cycles: int = 0
    missed_cycles: int = 0
    stale_images: int = 0
    steps_sent: int = 0
    steps_waiting: int = 0
    distributions: tuple[Distribution, ...] = ()
    longest_gap: float = 0.0
    """Seconds between two commands, at most."""
    longest_gap_made_of: str = ""


class Summary:
    """The figures of a run so far.

    Args:
        config: of the run.
        rows: episodes of an earlier monitor of the same run; which of them were random follows from `initial_steps`.
    """

    def __init__(self, config: Config, rows: Sequence[EpisodeRow] = ()) -> None:
        self._config = config
        self.rows = list(rows)
        self._random = [row.env_steps <= config.agent.initial_steps for row in rows]
        self.timing = TimingCounts()
        self.guard: tuple[Distribution, ...] = ()
        """Latencies of the safety guard."""
        self.learner: tuple[Distribution, ...] = ()
        """Component times of the learner."""

    def add(self, row: EpisodeRow, random: bool) -> None:
        """Counts an episode; `random` if all its actions were."""
        self.rows.append(row)
        self._random.append(random)

    @property
    def random_target_term(self) -> float | None:
        """Mean target term of the random episodes; none without one."""
        return _mean([row.target_term for row, random in zip(self.rows, self._random, strict=True) if random])

    @property
    def last_target_term(self) -> float | None:
        """Mean target term of the last ten episodes; none without one."""
        return _mean([row.target_term for row in self.rows[-LAST:]])

    def document(self, wall_time: float) -> dict[str, object]:
        """All figures, at `wall_time` seconds after the run's start; null where there is none."""
        config, rows, timing = self._config, self.rows, self.timing
        random, last = self.random_target_term, self.last_target_term
        figures: dict[str, object] = {
            "preset": config.preset,
            "task": config.task,
            "architecture": config.architecture,
            "action_cycle_ms": 1e3 * config.agent.action_cycle_time,
            "seed": config.seed,
            "wall_time_s": wall_time,
            "episodes": len(rows),
            "random_episodes": sum(self._random),
            "env_steps": rows[-1].env_steps if rows else 0,
            "updates": rows[-1].updates if rows else 0,
            "target_term_random": random,
            "target_term_last_10": last,
            "target_term_ratio": last / random if last is not None and random is not None and random > 0 else None,
            "return_last_10": _mean([row.episode_return for row in rows[-LAST:]]),
            "cycles": timing.cycles,
            "missed_cycles": timing.missed_cycles or sum(row.missed_cycles for row in rows),
            "stale_images": timing.stale_images,
            "steps_sent": timing.steps_sent,
            "steps_waiting": timing.steps_waiting,
            "longest_gap_ms": 1e3 * timing.longest_gap,
            "longest_gap_made_of": timing.longest_gap_made_of,
        }
        figures |= components.figures((*timing.distributions, *self.learner))
        for d in (d for d in (*timing.distributions, *self.guard) if d.name not in components.NAMES):
            figures |= {
                f"{d.name}_p50_{d.unit}": d.p50,
                f"{d.name}_p99_{d.unit}": d.p99,
                f"{d.name}_max_{d.unit}": d.max,
            }
        return {key: _rounded(value) for key, value in figures.items()}


def read(run: Path) -> dict[str, Any]:
    """Returns the figures in a run's folder; empty if there are none, or they cannot be read."""
    try:
        figures = json.loads(RunFolder(run).summary.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return figures if isinstance(figures, dict) else {}


def count(figures: Mapping[str, object], name: str) -> int:
    """Returns a count among a summary's figures; 0 if it is missing or is not a count."""
    value = figures.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else 0


def write(path: Path, figures: Mapping[str, object]) -> None:
    """Writes a summary's figures as summary.json, atomically."""
    text = json.dumps(figures, indent=2, allow_nan=False) + "\n"
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _rounded(value: object) -> object:
    if not isinstance(value, float):
        return value
    return round(value, 4) if math.isfinite(value) else None
