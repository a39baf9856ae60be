"""The learner as a process: receives mini-batches, publishes parameters, and keeps its records."""

import time

from async_rl_core.algorithms.common.compute import choose_device, keep_freed_memory, use_threads
from async_rl_core.algorithms.registry import make_algorithm
from async_rl_core.bringup.process.link import supervisor
from async_rl_core.config.schema import Config
from async_rl_core.learning.learner import Learner
from async_rl_core.learning.learner_records import LearnerRecords
from async_rl_core.spec.batch import BatchLayout
from async_rl_core.transport.shared_memory.batches import BatchClient
from async_rl_core.transport.shared_memory.parameters import ParameterPublisher
from async_rl_core.transport.shared_memory.service import Endpoint, domain_from_environment
from async_rl_interfaces.msg import LearnerState
from async_rl_ros import qos
from async_rl_ros.diagnostics import Diagnostics, Health, Level
from async_rl_ros.messages import LEARNER_STATE_TOPIC, learner_state_message
from async_rl_ros.node import ConfiguredNode, StopSignal
from async_rl_ros.node import main as run_node
from async_rl_ros.scheduling import background
from async_rl_ros.warning_log import WarningLog

WAIT = 0.1
"""Seconds that a wait for a batch may take, and so the delay of a stop."""
STATE_PERIOD = 1.0
STALLED_AFTER = 5.0
"""Seconds without an update, after the first, that cause a warning."""


class LearnerNode(ConfiguredNode):
    """Connects the core's `Learner` to shared memory, files and topics.

    It resumes from the run's newest checkpoint, if there is one.

    Raises `TransportError` if the domain has another learner, `CheckpointError` or `MetricsError` if the run's folder
    or its checkpoints cannot be used, `DivergenceError` if learning has diverged.
    """

    def __init__(self) -> None:
        super().__init__("learner_node")
        # After the middleware has started its threads, which keep their priority; torch's threads inherit this one's.
        scheduled = background()
        config = self.config
        keep_freed_memory()
        threads = use_threads(config.learner.threads)
        device = choose_device(config.learner.device)
        algorithm = make_algorithm(config, device)
        self._endpoint = Endpoint(domain_from_environment(), "learner_node")
        batches = BatchClient(self._endpoint, BatchLayout.from_config(config), requests_ahead(config))
        parameters = ParameterPublisher(self._endpoint, algorithm.policy_size)
        # From here on this is the only learner in the domain, so it alone writes the run's files.
        self._learner = Learner.from_config(config, algorithm, batches, parameters)
        self._records = LearnerRecords(config, self._learner, self.get_logger().warning)
        self._trouble = WarningLog(self)
        self._state = self.create_publisher(LearnerState, LEARNER_STATE_TOPIC, qos.LATCHED)
        self._diagnostics = Diagnostics(self, self._health)
        self._last_update: float | None = None
        self._next_state = time.monotonic()
        start = f" from update {algorithm.updates}" if algorithm.updates else ""
        self.get_logger().info(f"learning on {device} with {threads} thread(s){start}; {scheduled}")

    def run(self, stop: StopSignal) -> None:
        """Learns until a stop is requested, then writes the last checkpoint."""
        while not stop.requested:
            updates = self._learner.algorithm.updates
            self._learner.step(WAIT)
            now = time.monotonic()
            if self._learner.algorithm.updates > updates:
                if self._last_update is None:
                    self._next_state = now  # publish at once that learning has started
                self._last_update = now
            self._records.keep()
            if now >= self._next_state:
                self._next_state = now + STATE_PERIOD
                self._publish_state()
                self._note_trouble()
            self.executor_.spin_once(timeout_sec=0.0)
            self._diagnostics.publish_changes()
        supervisor().report("writing the last checkpoint")
        self._publish_state()
        self._records.close()
        for trouble in filter(None, (self._records.checkpoints.failed, self._records.metrics.failed)):
            self.get_logger().error(trouble)

    def _note_trouble(self) -> None:
        self._trouble.update("metrics", self._records.metrics.failed)
        self._trouble.update("checkpoints", self._records.checkpoints.failed)
        refused = self._learner.refused
        self._trouble.update(
            "mini-batches", f"{refused} mini-batches with values that are not finite" if refused else ""
        )

    def _publish_state(self) -> None:
        message = learner_state_message(self._learner)
        message.header.stamp = self.get_clock().now().to_msg()
        self._state.publish(message)

    def _health(self) -> Health:
        learner = self._learner
        values = {"updates": learner.algorithm.updates, "env_steps": learner.env_steps, **learner.metrics}
        values["refused batches"] = learner.refused
        if trouble := self._records.trouble:
            return Health(Level.WARN, trouble, values)
        if self._last_update is None:
            return Health(Level.OK, "waiting for the first transitions", values)
        idle = time.monotonic() - self._last_update
        if idle > STALLED_AFTER:
            return Health(Level.WARN, f"no mini-batch for {idle:.0f} s: see replay_node and rl_agent_node", values)
        return Health(Level.OK, "learning", values)

    def close(self) -> None:
        """Releases the shared memory and closes the files."""
        self._records.metrics.close()
        self._endpoint.close()


def requests_ahead(config: Config) -> int:
    """Returns how many mini-batches are requested ahead: none with async1."""
    return config.learner.batches_in_flight if config.architecture == "async2" else 0


def main() -> None:
    """Runs the node."""
    run_node(LearnerNode)
