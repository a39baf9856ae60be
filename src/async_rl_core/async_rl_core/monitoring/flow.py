"""components.png: the flow of computation of one or more runs, to scale (Yuan, 2022, figure 4.5)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from async_rl_core.monitoring.figure import write_figure
from async_rl_core.run_folder.components import AGENT, COMPONENTS, LEARNER, REPLAY, Figures, chain, mean, timeline

COLOURS = {
    "environment": "#5c6770",
    "act": "#1f6fb4",
    "sample": "#c98a1b",
    "transfer": "#e8c27a",
    "update": "#2a9d6f",
    "publish": "#7b5ea7",
}
CYCLES = 3
"""Repetitions of the slowest loop in the figure."""
BAR = 0.7
ROW, MARGIN = 0.42, 0.9
"""Inches per process, and per panel around them."""
Rows = Sequence[Sequence[tuple[str, Figures]]]


def draw(panels: Rows, output: Path) -> None:
    """Draws runs into one PNG, written atomically.

    Args:
        panels: rows of titled runs; a column shares its scale. A run without an update stays blank.
        output: the file.
    """
    columns = len(panels[0])
    heights = [max(len(_processes(run)) for _, run in row) for row in panels]
    size = (1.5 + 7.0 * columns, 0.6 + sum(ROW * height + MARGIN for height in heights))
    figure = Figure(figsize=size, dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(panels), columns, squeeze=False, height_ratios=[h + 1 for h in heights])
    for column in range(columns):
        runs = [row[column][1] for row in panels]
        horizon = max((CYCLES * _longest_loop(run) for run in runs), default=0.0)
        for axes, row in zip(grid[:, column], panels, strict=True):
            title, run = row[column]
            _draw_run(axes, title, run, horizon)
        grid[-1, column].set_xlabel("ms")
    handles = [Patch(color=colour, label=name) for name, colour in COLOURS.items()]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), frameon=False)
    write_figure(figure, output)


def _processes(run: Figures) -> tuple[str, ...]:
    return (AGENT,) if run.get("architecture") == "seq" else (AGENT, REPLAY, LEARNER)


def _longest_loop(run: Figures) -> float:
    cycle = run.get("action_cycle_ms")
    return max(chain(run) or 0.0, cycle if isinstance(cycle, float) else 0.0)


def _draw_run(axes: Axes, title: str, run: Figures, horizon: float) -> None:
    rows = {process: -i for i, process in enumerate(_processes(run))}
    for block in timeline(run, horizon):
        axes.barh(rows[block.process], block.duration, BAR, block.start, color=COLOURS[block.component])
    axes.set_yticks(list(rows.values()), list(rows))
    axes.set_ylim(-len(rows) + 0.4, 0.6)
    axes.set_xlim(0.0, horizon or 1.0)
    axes.set_title(f"{title}: {_means(run)}", fontsize=8.5, loc="left")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)


def _means(run: Mapping[str, object]) -> str:
    found = {name: mean(run, name) for name in COMPONENTS}
    return ", ".join(f"{name} {value:.1f}" for name, value in found.items() if value is not None) + " ms"
