"""learning_curve.png: the learning curve of one or more runs."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from async_rl_core.monitoring.figure import write_figure
from async_rl_core.run_folder import summary
from async_rl_core.run_folder.episodes import EpisodeRow, read_episodes
from async_rl_core.run_folder.run_folder import RunFolder

WINDOW = 10
"""Episodes per mean in the smoothed line, as in the summary."""
COLOURS = ("#1f6fb4", "#d1495b", "#2a9d6f", "#c98a1b", "#7b5ea7", "#5c6770")


def draw(runs: Sequence[Path], output: Path) -> None:
    """Draws the curves of one or more run folders into one PNG, written atomically.

    Target term and return per episode over wall time: dots for episodes, a line for the mean of the last ten, the
    random episodes shaded.

    Raises:
        RecordError: a run folder has no readable episodes.csv.
    """
    histories = [read_episodes(RunFolder(run).episodes) for run in runs]
    facts = [summary.read(run) for run in runs]
    figure = Figure(figsize=(9.0, 6.4), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, 1, sharex=True)
    for index, (rows, fact) in enumerate(zip(histories, facts, strict=True)):
        if rows:
            colour = COLOURS[index % len(COLOURS)]
            _plot(upper, rows, [row.target_term for row in rows], colour, _label(rows, fact))
            _plot(lower, rows, [row.episode_return for row in rows], colour, None)
    _shade_random((upper, lower), histories, facts)
    _dress(figure, upper, lower, facts)
    write_figure(figure, output)


def smoothed(values: Sequence[float]) -> NDArray[np.float64]:
    """Returns the mean (n,) of each value and up to nine before it."""
    total = np.concatenate([[0.0], np.cumsum(np.asarray(values, np.float64))])
    last = np.arange(1, len(values) + 1)
    first = np.maximum(0, last - WINDOW)
    result: NDArray[np.float64] = (total[last] - total[first]) / (last - first)
    return result


def _random_episodes(facts: dict[str, object]) -> int:
    count = facts.get("random_episodes")
    return count if isinstance(count, int) else 0


def _minutes(rows: Sequence[EpisodeRow]) -> list[float]:
    return [row.wall_time / 60 for row in rows]


def _plot(axes: Axes, rows: Sequence[EpisodeRow], values: list[float], colour: str, label: str | None) -> None:
    minutes = _minutes(rows)
    axes.plot(minutes, values, ".", color=colour, alpha=0.35, markersize=4)
    axes.plot(minutes, smoothed(values), "-", color=colour, linewidth=2, label=label)


def _label(rows: Sequence[EpisodeRow], facts: dict[str, object]) -> str:
    seed = f"seed {facts['seed']}: " if "seed" in facts else ""
    last = [row.target_term for row in rows[-WINDOW:]]
    label = f"{seed}{sum(last) / len(last):.2f} in the last {len(last)}"
    if count := _random_episodes(facts):
        random = sum(row.target_term for row in rows[:count]) / count
        label += f", {random:.2f} at random"
    return label


def _shade_random(
    panels: tuple[Axes, ...], histories: Sequence[Sequence[EpisodeRow]], facts: Sequence[dict[str, object]]
) -> None:
    ends = [
        rows[n - 1].wall_time / 60
        for rows, f in zip(histories, facts, strict=True)
        if 0 < (n := _random_episodes(f)) <= len(rows)
    ]
    if not ends:
        return
    for axes in panels:
        axes.axvspan(0, max(ends), color="#000000", alpha=0.06, linewidth=0)
    panels[-1].text(max(ends) / 2, 0.97, "random", transform=panels[-1].get_xaxis_transform(), ha="center", va="top")


def _dress(figure: Figure, upper: Axes, lower: Axes, facts: Sequence[dict[str, object]]) -> None:
    titles = {f"{f['task']}, {f['preset']}, {f['architecture']}" for f in facts if "task" in f}
    figure.suptitle("; ".join(sorted(titles)), fontsize=11)
    upper.set_ylabel("target term per step")
    lower.set_ylabel("return per episode")
    lower.set_xlabel("wall time (min)")
    lower.set_xlim(left=0)
    if upper.get_legend_handles_labels()[0]:
        upper.legend(loc="best", fontsize=9, frameon=False)
    for axes in (upper, lower):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
