"""Monitor of a run: terminal lines, records in the run folder, videos and RViz markers."""

import contextlib
import os
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from visualization_msgs.msg import MarkerArray

import async_rl_ros.node
from async_rl_core import topics
from async_rl_core.bringup.process.link import supervisor
from async_rl_core.monitoring.background_worker import BackgroundWorker
from async_rl_core.monitoring.episode_events import EpisodeEvents
from async_rl_core.monitoring.faults import FaultWatch
from async_rl_core.monitoring.next_steps import next_steps
from async_rl_core.monitoring.progress import bar, episode_line, fraction
from async_rl_core.monitoring.remedy import remedy
from async_rl_core.monitoring.run_recorder import RunRecorder
from async_rl_core.monitoring.status_reporter import StatusReporter
from async_rl_core.run_folder import summary
from async_rl_core.run_folder.run_folder import RunFolder
from async_rl_core.tasks.registry import make_task
from async_rl_core.topics import private
from async_rl_interfaces.msg import Episode, GuardState, LearnerState, Target, Timing
from async_rl_ros.diagnostics import Diagnostics, Health, Level
from async_rl_ros.node import ConfiguredNode, StopSignal
from async_rl_ros.qos import LATCHED, LATCHED_HISTORY, SENSOR
from async_rl_ros.scheduling import background
from monitor_node.camera_recorder import CameraRecorder
from monitor_node.markers import markers
from monitor_node.messages import counts_of, distributions_of, faults_of, row_of

POLL = 0.1
"""Maximum seconds until a requested stop is noticed or a redraw begins."""
DRAIN = 0.2
"""Seconds after a requested stop in which the last episode may still arrive."""
MIN_POLLS = 5
"""Minimum number of polls in that time, which may be longer on a busy machine."""
CLOSE_TIMEOUT = 2.0
"""Maximum seconds for the last figures, once the records are written."""


class MonitorNode(ConfiguredNode):
    """Records and displays a run at the lowest priority; no other node depends on it."""

    def __init__(self) -> None:
        super().__init__("monitor_node")
        background()  # after the middleware's threads, which keep their priority
        now = time.monotonic()
        folder = self.config.run_dir or self._config_folder()
        self._worker = BackgroundWorker()
        self._folder = folder
        self._recorder = RunRecorder(self.config, folder, self._worker, now)
        self._events = EpisodeEvents(folder) if self.config.learns else None
        figures = summary.read(folder)
        self._reporter = StatusReporter(summary.count(figures, "missed_cycles"))
        self._faults = FaultWatch(figures, remedy(self.config, os.environ))
        self._recorder.faults = self._faults.figures
        self._camera = CameraRecorder(self, self.config, self._worker, RunFolder(folder).videos)
        self._updates = 0
        self._acting_since: float | None = None
        self._task = make_task(self.config)
        self._markers = self.create_publisher(MarkerArray, private(topics.MARKERS), LATCHED)
        self.create_subscription(Episode, topics.EPISODE, self._on_episode, LATCHED_HISTORY)
        self.create_subscription(Timing, topics.TIMING, self._on_timing, SENSOR)
        self.create_subscription(LearnerState, topics.LEARNER_STATE, self._on_learner, SENSOR)
        self.create_subscription(GuardState, topics.GUARD_STATE, self._on_guard, LATCHED)
        self.create_subscription(Target, topics.TARGET, self._on_target, LATCHED)
        self._diagnostics = Diagnostics(self, self._health)

    def run(self, stop: StopSignal) -> None:
        """Serves callbacks until a stop is requested, then `DRAIN` seconds more for the last episode."""
        while not stop.requested:
            self._serve()
        end, polls = time.monotonic() + DRAIN, 0
        while time.monotonic() < end or polls < MIN_POLLS:
            self._serve()
            polls += 1

    def close(self) -> None:
        """Writes the last records and waits briefly for figures and videos."""
        supervisor().report("writing the last records")
        self._print(self._recorder.component_table(time.monotonic()))
        self._recorder.close(time.monotonic())
        self._print([*self._recorder.warnings(), *self._camera.close()])
        if self._events is not None:
            self._events.close()
        supervisor().report("drawing")
        self._print(self._worker.close(CLOSE_TIMEOUT))
        if self.config.learns:
            self._print(next_steps(self.config, self._folder, summary.read(self._folder), os.environ))

    def _config_folder(self) -> Path:
        return Path(self.get_parameter("config").get_parameter_value().string_value).parent

    def _serve(self) -> None:
        self.executor_.spin_once(timeout_sec=POLL)
        self._camera.subscribe_if_needed()
        now = time.monotonic()
        self._recorder.refresh(now)
        reminders = self._faults.reminders(now, bar(self._done(now)))
        self._print(
            [*self._worker.failures(), *self._recorder.warnings(), *self._reporter.check_learner(now), *reminders]
        )

    def _done(self, now: float) -> float | None:
        """Returns the finished share of the run."""
        elapsed = 0.0 if self._acting_since is None else now - self._acting_since
        return fraction(elapsed, self._recorder.episodes, self.config.duration, self.config.episodes)

    def _print(self, lines: Iterable[str]) -> None:
        with contextlib.suppress(OSError):  # a log on a full disk, or a pipe without a reader
            for line in lines:
                print(line, flush=True)

    def _health(self) -> Health:
        values = {"episodes": self._recorder.episodes, "drawing": not self._worker.idle}
        if self._reporter.learner_silent:
            return Health(Level.WARN, "no messages from learner_node", values)
        return Health(Level.OK, "recording", values)

    def _on_episode(self, message: Episode) -> None:
        number = self._recorder.number(message.episode, message.env_steps)
        if number is None:  # reported before this node was restarted
            return
        now = time.monotonic()
        row = row_of(message, self._recorder.wall_time(now), max(self._updates, message.policy_updates))
        row = replace(row, episode=number)
        self._recorder.add(row, message.random)
        if self._events is not None:
            self._events.add(row)
        self._camera.end_episode(number)
        self._print([episode_line(datetime.now(), row, message.random, self._done(now))])

    def _on_timing(self, message: Timing) -> None:
        self._acting_since = time.monotonic() - message.elapsed  # a restarted agent counts from zero
        counts = counts_of(message)
        self._recorder.count(counts)
        self._print(self._reporter.on_timing(counts))

    def _on_learner(self, message: LearnerState) -> None:
        self._updates = message.updates
        self._print(self._reporter.on_learner(time.monotonic()))
        self._recorder.learner_distributions(distributions_of(message.histogram))

    def _on_guard(self, message: GuardState) -> None:
        self._recorder.guard_distributions(distributions_of(message.histogram))
        now = time.monotonic()
        self._print(self._faults.update(faults_of(message), now, self._recorder.episodes + 1))
        if not self._faults.is_explained(now) or message.state == GuardState.ARMED:
            self._print(self._reporter.on_guard(message.state, message.cause, message.commands_refused))

    def _on_target(self, message: Target) -> None:
        if self._markers.get_subscription_count() > 0 and min(message.width, message.height) > 0:
            self._markers.publish(markers(self._task, message, message.header.stamp))


def main() -> None:
    """Runs the node."""
    async_rl_ros.node.main(MonitorNode)
