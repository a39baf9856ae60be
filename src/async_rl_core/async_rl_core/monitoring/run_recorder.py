"""What is kept of a run while it goes on."""

import gc
from collections.abc import Callable, Mapping
from pathlib import Path

from async_rl_core.atomic_file import remove_stale
from async_rl_core.config.schema import Config
from async_rl_core.monitoring import components
from async_rl_core.monitoring.background_worker import BackgroundWorker
from async_rl_core.run_folder import summary
from async_rl_core.run_folder.episodes import EpisodeRow, EpisodeWriter
from async_rl_core.run_folder.run_folder import RunFolder
from async_rl_core.run_folder.summary import Distribution, Summary, TimingCounts

SUMMARY = "summary"
RETRY_PERIOD = 1.0
"""Seconds after which a disk that took nothing is tried again."""


class RunRecorder:
    """episodes.csv at once; summary.json and learning_curve.png every `curve_period` seconds and at the end.

    A monitor that is started again in the same run folder continues where its predecessor stopped: its wall time
    goes on from the last episode. On a disk that is full or read-only rows are kept and written later, all else is
    tried again; `warnings` tells.

    Args:
        config: of the run.
        folder: of the run; it must be there.
        worker: draws.
        now: seconds of a steady clock; the run's wall time counts from here, or goes on from here.

    Raises:
        RecordError: there is no folder, or its episodes.csv is something else.
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

    def number(self, episode: int, env_steps: int) -> int | None:
        """The number for a finished episode that an agent told of; none where it was told before.

        That is the agent's own, unless an agent that was started again counts from rows that were not written yet.
        """
        if episode not in self._known:
            return episode
        return None if env_steps <= self._env_steps else max(self._known) + 1

    def add(self, row: EpisodeRow, random: bool) -> None:
        """Write a finished episode; `random` if all its actions were."""
        self._writer.write(row)
        self._known.add(row.episode)
        self._env_steps = row.env_steps
        self._summary.add(row, random)

    def warnings(self) -> list[str]:
        """What a person should read since the last call: that the disk takes nothing, or takes everything again."""
        self._note("episodes", self._writer.failed)
        told, self._warnings = self._warnings, []
        return told

    def _note(self, source: str, trouble: str) -> None:
        if trouble and source not in self._troubled:
            self._troubled.add(source)
            self._warnings.append(f"warning: {trouble}")
        elif not trouble and source in self._troubled:
            self._troubled.remove(source)
            self._warnings.append(f"{source}: the disk takes the records again, none is lost")

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
        """Write the summary and redraw the curve, in the worker, if the time has come and the last redraw has ended."""
        if self._troubled and now >= self._retry_at:
            self._retry_at = now + RETRY_PERIOD
            self._writer.flush()
            if SUMMARY in self._troubled:
                self._write_summary(now)
        if now - self._drawn_at >= self._period and self._worker.idle:
            self._drawn_at = now
            self._write(now)

    def close(self, now: float) -> None:
        """The last summary at once, the last pictures with the worker's `close`."""
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
            self._note(SUMMARY, f"{self._path} cannot be written: {reason}; the run goes on, it is tried again")

    def _draw(self) -> None:
        self._drawn_rows = self.episodes

        def draw() -> None:
            try:
                _draw_curve(self._folder)
            except BaseException:
                self._drawn_rows = -1  # so that it is drawn again
                raise

        self._worker.submit("drawing the learning curve", draw)


def _draw_curve(folder: Path) -> None:
    from async_rl_core.monitoring.curve import draw  # a second of imports, which the node's start should not wait for

    draw([folder], RunFolder(folder).learning_curve)
    gc.collect()  # a figure is large, and refers to itself


def _draw_components(folder: Path) -> None:
    from async_rl_core.monitoring.flow import draw

    run = summary.read(folder)
    draw([[(str(run.get("architecture")), run)]], RunFolder(folder).components)
