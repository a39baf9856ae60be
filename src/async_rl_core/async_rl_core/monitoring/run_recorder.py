"""Records of a run while it is active."""

import gc
from collections.abc import Callable, Mapping
from pathlib import Path

from async_rl_core.atomic_file import remove_stale
from async_rl_core.config.schema import Config
from async_rl_core.monitoring.background_worker import BackgroundWorker
from async_rl_core.run_folder import components, summary
from async_rl_core.run_folder.episodes import EpisodeRow, EpisodeWriter
from async_rl_core.run_folder.run_folder import RunFolder
from async_rl_core.run_folder.summary import Distribution, Summary, TimingCounts

SUMMARY = "summary"
RETRY_PERIOD = 1.0
"""Seconds between attempts after a failed write."""


class RunRecorder:
    """Writes episodes.csv at once, summary.json and learning_curve.png every `curve_period` seconds and at the end.

    A restarted monitor continues in the same run folder; its wall time continues from the last episode. On a full or
    read-only disk, rows wait in memory and other writes are repeated; `warnings` reports it.

    Args:
        config: of the run.
        folder: of the run; must exist.
        worker: draws figures.
        now: seconds of a steady clock, from which the wall time of the run counts or continues.

    Raises:
        RecordError: the folder is missing, or its episodes.csv has another format.
    """

    def __init__(self, config: Config, folder: Path, worker: BackgroundWorker, now: float) -> None:
        self._folder = folder
        files = RunFolder(folder)
        self._path = files.summary
        self._worker = worker
        self._period = config.logging.curve_period
        self._warnings: list[str] = []
        for path in (files.learning_curve, files.components, files.summary, files.episodes):
            remove_stale(path)
        self._writer = EpisodeWriter(files.episodes, lambda line: self._warnings.append(f"warning: {line}"))
        rows = self._writer.rows
        self._known = {row.episode for row in rows}
        self._env_steps = rows[-1].env_steps if rows else 0
        self._troubled: set[str] = set()
        self._retry_at = now
        self._started = now
        self._before = rows[-1].wall_time if rows else 0.0
        self._summary = Summary(config, rows)
        self._drawn_at = now
        self._drawn_rows = 0
        self._learns = config.learns
        self.faults: Callable[[], Mapping[str, object]] = dict
        """Returns figures about the guard's faults."""
        if config.learns:
            self._draw()  # loads what drawing needs before the arm moves

    @property
    def episodes(self) -> int:
        """Number of episodes written."""
        return len(self._known)

    def wall_time(self, now: float) -> float:
        """Returns seconds since the run's start."""
        return self._before + self.elapsed(now)

    def elapsed(self, now: float) -> float:
        """Returns seconds since this monitor's start."""
        return now - self._started

    def knows(self, episode: int) -> bool:
        """Returns whether this episode has been written."""
        return episode in self._known

    def number(self, episode: int, env_steps: int) -> int | None:
        """Returns the number for an episode that the agent reports as finished; None if it was reported before.

        It is the agent's number, unless a restarted agent counts from rows that were not written yet.
        """
        if episode not in self._known:
            return episode
        return None if env_steps <= self._env_steps else max(self._known) + 1

    def add(self, row: EpisodeRow, random: bool) -> None:
        """Writes a finished episode; `random`: all its actions were random."""
        self._writer.write(row)
        self._known.add(row.episode)
        self._env_steps = row.env_steps
        self._summary.add(row, random)

    def warnings(self) -> list[str]:
        """Returns lines about failed and recovered writes since the last call."""
        self._note("episodes", self._writer.failed)
        told, self._warnings = self._warnings, []
        return told

    def _note(self, source: str, trouble: str) -> None:
        if trouble and source not in self._troubled:
            self._troubled.add(source)
            self._warnings.append(f"warning: {trouble}")
        elif not trouble and source in self._troubled:
            self._troubled.remove(source)
            self._warnings.append(f"{source}: the disk accepts records again; none is lost")

    def count(self, timing: TimingCounts) -> None:
        """Keeps the agent's newest counts and latencies."""
        self._summary.timing = timing

    def guard_distributions(self, distributions: tuple[Distribution, ...]) -> None:
        """Keeps the guard's newest latencies."""
        self._summary.guard = distributions

    def learner_distributions(self, distributions: tuple[Distribution, ...]) -> None:
        """Keeps the learner's newest component times."""
        self._summary.learner = distributions

    def component_table(self, now: float) -> list[str]:
        """Returns the component times so far as lines; empty if nothing was measured or nothing learns."""
        if not self._learns:
            return []
        return components.table(self._summary.document(self.wall_time(now)))

    def refresh(self, now: float) -> None:
        """Writes the summary and redraws the curve in the worker, if due and if the worker is idle."""
        if self._troubled and now >= self._retry_at:
            self._retry_at = now + RETRY_PERIOD
            self._writer.flush()
            if SUMMARY in self._troubled:
                self._write_summary(now)
        if now - self._drawn_at >= self._period and self._worker.idle:
            self._drawn_at = now
            self._write(now)

    def close(self, now: float) -> None:
        """Writes the last summary and submits the last figures; the worker's `close` waits for them."""
        self._writer.close()
        self._write(now)
        if not self._learns:
            return
        if components.mean(self._summary.document(self.wall_time(now)), "update") is None:
            self._warnings.append(f"nothing was learned: no {RunFolder(self._folder).components.name} is drawn")
            return
        self._worker.submit("drawing the component times", lambda: _draw_components(self._folder))

    def _write(self, now: float) -> None:
        self._write_summary(now)
        if self._learns and self.episodes != self._drawn_rows:
            self._draw()

    def _write_summary(self, now: float) -> None:
        try:
            summary.write(self._path, {**self._summary.document(self.wall_time(now)), **self.faults()})
            self._note(SUMMARY, "")
        except OSError as error:
            reason = error.strerror or error
            self._note(SUMMARY, f"{self._path} cannot be written: {reason}; the run continues and tries again")

    def _draw(self) -> None:
        self._drawn_rows = self.episodes

        def draw() -> None:
            try:
                _draw_curve(self._folder)
            except BaseException:
                self._drawn_rows = -1  # draw again
                raise

        self._worker.submit("drawing the learning curve", draw)


def _draw_curve(folder: Path) -> None:
    from async_rl_core.monitoring.curve import draw  # slow import, not needed at the start

    draw([folder], RunFolder(folder).learning_curve)
    gc.collect()  # a figure is large and has reference cycles


def _draw_components(folder: Path) -> None:
    from async_rl_core.monitoring.flow import draw

    run = summary.read(folder)
    draw([[(str(run.get("architecture")), run)]], RunFolder(folder).components)
