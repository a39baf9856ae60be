"""The replay process: stores the steps of every agent, and serves mini-batches to the learner."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import async_rl_ros.node
from async_rl_core.bringup.process.link import supervisor
from async_rl_core.errors import ConfigError
from async_rl_core.replay.journal.segment import JournalEntry
from async_rl_core.replay.replay import Replay
from async_rl_core.run_folder.run_folder import RunFolder
from async_rl_core.spec.batch import Batch, BatchLayout
from async_rl_core.transport.batches import BatchSink
from async_rl_core.transport.shared_memory.batches import BatchServer
from async_rl_core.transport.shared_memory.service import Endpoint, domain_from_environment
from async_rl_core.transport.shared_memory.steps import REPLAY, StepIntake, StepLayout
from async_rl_core.transport.shared_memory.wakeup import Listener
from async_rl_core.transport.steps import StepReceiver
from async_rl_ros import scheduling
from async_rl_ros.diagnostics import Diagnostics, Health, Level
from async_rl_ros.node import ConfiguredNode, StopSignal
from async_rl_ros.warning_log import WarningLog

NICENESS = 5
WAIT = 0.1
"""Most seconds of sleep, so that a stop request is noticed."""
SPIN_PERIOD = 0.25
"""Seconds between spins of the ROS executor."""
TOO_LONG = "the disk took none for too long"
PROGRESS_PERIOD = 2.0
"""Seconds between log lines while the journal is read."""


class ReplayNode(ConfiguredNode):
    """Sleeps until a step or a request arrives. Steps come first: no agent waits for a mini-batch.

    Continues from the run's journal, if there is one.
    """

    def __init__(self) -> None:
        super().__init__("replay_node")
        if self.config.architecture == "seq":
            raise ConfigError("replay_node: with architecture seq the agent's process holds the store; start none")
        self.get_logger().info(scheduling.nice(NICENESS))
        self._replay = Replay(self.config)
        self._missing = 0  # steps missing from the journal that were logged
        self._limited = False  # whether the next request had to wait for a step
        with ExitStack() as stack:
            endpoint = Endpoint(domain_from_environment(), "replay_node")
            stack.callback(endpoint.close)
            # From here on, this is the only replay process in the domain, and the only writer of the journal.
            self._listener = Listener(endpoint, REPLAY)
            stack.callback(self._listener.close)
            if self.config.replay.journal:
                self._replay.open_journal(RunFolder(self._run_dir()).journal, self._reported, self.get_logger().warning)
            stack.callback(self._replay.close)
            self._steps: StepReceiver = StepIntake(endpoint, StepLayout.from_config(self.config), self._replay.durable)
            stack.callback(self._steps.close)
            ahead = self.config.learner.batches_in_flight
            self._server: BatchSink = BatchServer(
                endpoint, BatchLayout.from_config(self.config), self._replay.reprioritise, ahead
            )
            stack.callback(self._server.close)
            self._trouble_log = WarningLog(self)
            self._diagnostics = Diagnostics(self, self.health)
            self._resources = stack.pop_all()  # last: a signal during the start releases all of them

    def _run_dir(self) -> Path:
        if self.config.run_dir is None:
            raise ConfigError("run_dir is not set; replay_node journals to the run's folder, or replay.journal: false")
        return self.config.run_dir

    def _reported(self, entries: Iterator[JournalEntry]) -> Iterator[JournalEntry]:
        """Yields the entries, and logs the progress."""
        start = said = time.monotonic()
        count = 0
        for count, entry in enumerate(entries, 1):
            yield entry
            if (now := time.monotonic()) - said >= PROGRESS_PERIOD:
                said = now
                self.get_logger().info(f"read {count} steps of the journal")
        if count:
            took = time.monotonic() - start
            self.get_logger().info(f"restored {len(self._replay.store)} transitions in {took:.1f} s")

    def run(self, stop: StopSignal) -> None:
        """Serves until a stop is requested. ROS carries only diagnostics here, so the executor spins rarely."""
        spin = time.monotonic()
        while not stop.requested:
            self._listener.wait(WAIT)
            self.work()
            if time.monotonic() >= spin:
                spin = time.monotonic() + SPIN_PERIOD
                self.executor_.spin_once(timeout_sec=0.0)
                self._diagnostics.publish_changes()
                self._note_trouble()
        self._store_steps()

    def work(self) -> None:
        """Stores every waiting step, then answers the permitted requests, with steps first in between."""
        self._store_steps()
        while self._replay.permits and self._server.serve(self._sample):
            self._store_steps()
        self._limited = self._limited or (not self._replay.permits and self._server.waiting > 0)
        self._steps.acknowledge()

    def _sample(self, batch: Batch) -> None:
        began = time.monotonic()
        self._replay.sample_into(batch)
        batch.sampling[:] = began, time.monotonic(), self._limited
        self._limited = False

    def _store_steps(self) -> None:
        while (step := self._steps.receive()) is not None:
            self._replay.insert(step)

    def health(self) -> Health:
        """Returns the figures of storage, serving and journal."""
        replay, store, limiter = self._replay, self._replay.store, self._replay.limiter
        journal = replay.journal
        values = {
            "transitions": len(store),
            "capacity": store.capacity,
            "env steps": store.env_steps,
            "lost steps": replay.lost,
            "refused steps": replay.refused,
            "repeated steps": replay.repeated,
            "batches served": limiter.served,
            "batches on credit": f"{limiter.credit:.1f}",
            "requests waiting": self._server.waiting,
            "memory used, GB": f"{store.nbytes_used / 1e9:.3f}",
            "memory when full, GB": f"{store.nbytes / 1e9:.3f}",
            "journal": "off" if journal is None else journal.failed or "on",
            "steps waiting for the disk": 0 if journal is None else journal.waiting,
            "steps not in the journal": 0 if journal is None else journal.missing,
        }
        trouble = list(self._trouble())
        return Health(Level.WARN if trouble else Level.OK, "; ".join(trouble) or "storing and serving", values)

    def _note_trouble(self) -> None:
        """Logs problems with the disk, and the steps that they cost."""
        journal = self._replay.journal
        if journal is None:
            return
        self._trouble_log.update("journal", journal.failed)
        if journal.missing > self._missing and not journal.failed:
            self._missing = journal.missing
            self.get_logger().warning(f"{journal.missing} steps of this run are not in the journal: {TOO_LONG}")

    def _trouble(self) -> Iterator[str]:
        replay, journal = self._replay, self._replay.journal
        if replay.limiter.inserted and replay.limiter.stands:
            yield "no new step: no mini-batch is served until one comes"
        for actor, reason in self._steps.refused.items():
            yield f"the steps of '{actor}' cannot be received: {reason}"
        if replay.lost:
            yield f"{replay.lost} steps were lost"
        if replay.refused:
            yield f"{replay.refused} steps were refused: they hold values that are not finite"
        if replay.repeated:
            yield f"{replay.repeated} steps were ignored: their numbers were stored already"
        if journal is not None and journal.missing:
            yield f"{journal.missing} steps are not in the journal: {TOO_LONG}"
        if journal is not None and journal.failed:
            yield journal.failed

    def close(self) -> None:
        """Releases the shared memory and completes the journal."""
        supervisor().report("completing the journal")
        self._resources.close()


def main() -> None:
    """Runs the node as a process."""
    async_rl_ros.node.main(ReplayNode)
