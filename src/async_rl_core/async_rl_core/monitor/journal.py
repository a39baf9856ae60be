"""What is kept of a run while it goes on."""

import gc
from collections.abc import Callable, Mapping
from pathlib import Path

from async_rl_core.config.schema import Config
from async_rl_core.monitor import components, episodes, summary
from async_rl_core.monitor.episodes import EpisodeRow, EpisodeWriter, unwritable
from async_rl_core.monitor.summary import Distribution, Summary, TimingCounts
from async_rl_core.monitor.worker import Worker

CURVE = "learning_curve.png"
COMPONENTS = "components.png"


class Journal:
    """episodes.csv at once; summary.json and learning_curve.png every `curve_period` seconds and at the end.

    A monitor that is started again in the same run folder continues where its predecessor stopped: its wall time
    goes on from the last episode.

    Args:
        config: of the run.
        folder: of the run; it must be there.
        worker: draws.
        now: seconds of a steady clock; the run's wall time counts from here, or goes on from here.

    Raises:
        RecordError: the folder cannot be written to.
    """

    def __init__(self, config: Config, folder: Path, worker: Worker, now: float) -> None:
        self._folder = folder
        self._path = folder / summary.NAME
        self._worker = worker
        self._period = config.logging.curve_period
        self._writer = EpisodeWriter(folder / episodes.NAME)
        rows = self._writer.rows
        self._known = {row.episode for row in rows}
        self._started = now
        self._before = rows[-1].wall_time if rows else 0.0
        self._summary = Summary(config, rows)
        self._drawn_at = now
        self._drawn_rows = 0
        self._learns = config.learns
        self.faults: Callable[[], Mapping[str, object]] = dict
        """Figures about the guard's faults."""
        if config.learns:
            self._draw()  # so that whatever drawing loads, and keeps open, is there before the arm moves

    @property
    def episodes(self) -> int:
        """Episodes written."""
        return len(self._known)

    def wall_time(self, now: float) -> float:
        """Seconds since the run's start."""
        return self._before + self.elapsed(now)

    def elapsed(self, now: float) -> float:
        """Seconds since this monitor's start."""
        return now - self._started

    def knows(self, episode: int) -> bool:
        """Whether this episode has been written."""
        return episode in self._known

    def add(self, row: EpisodeRow, random: bool) -> None:
        """Write a finished episode; `random` if all its actions were."""
        self._writer.write(row)
        self._known.add(row.episode)
        self._summary.add(row, random)

    def count(self, timing: TimingCounts) -> None:
        """Note the agent's newest counts and latencies."""
        self._summary.timing = timing

    def guard_distributions(self, distributions: tuple[Distribution, ...]) -> None:
        """Note the guard's newest latencies."""
        self._summary.guard = distributions

    def learner_distributions(self, distributions: tuple[Distribution, ...]) -> None:
        """Note the learner's newest component times."""
        self._summary.learner = distributions

    def component_table(self, now: float) -> list[str]:
        """The component times so far, as lines for a person; none where nothing was measured, or nothing learns."""
        if not self._learns:
            return []
        return components.table(self._summary.document(self.wall_time(now)))

    def refresh(self, now: float) -> None:
        """Write the summary and redraw the curve, in the worker, if the time has come and the last redraw has ended.

        Raises:
            RecordError: the summary cannot be written.
        """
        if now - self._drawn_at >= self._period and self._worker.idle:
            self._drawn_at = now
            self._write(now)

    def close(self, now: float) -> None:
        """The last summary at once, the last pictures with the worker's `close`.

        Raises:
            RecordError: the summary cannot be written.
        """
        self._writer.close()
        self._write(now)
        if self._learns and self._summary.learner:
            self._worker.submit("drawing the component times", lambda: _draw_components(self._folder))

    def _write(self, now: float) -> None:
        try:
            summary.write(self._path, {**self._summary.document(self.wall_time(now)), **self.faults()})
        except OSError as error:
            raise unwritable(self._path, error) from error
        if self._learns and self.episodes != self._drawn_rows:
            self._draw()

    def _draw(self) -> None:
        self._drawn_rows = self.episodes
        self._worker.submit("drawing the learning curve", lambda: _draw_curve(self._folder))


def _draw_curve(folder: Path) -> None:
    from async_rl_core.monitor.curve import draw  # a second of imports, which the node's start should not wait for

    draw([folder], folder / CURVE)
    gc.collect()  # a figure is large, and refers to itself


def _draw_components(folder: Path) -> None:
    from async_rl_core.monitor.flow import draw

    run = summary.read(folder)
    draw([[(str(run.get("architecture")), run)]], folder / COMPONENTS)
