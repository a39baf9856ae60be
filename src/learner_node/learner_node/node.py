"""The learner as a process: mini-batches in, policy parameters out, and a record of how it goes."""

import time
from pathlib import Path

from async_rl_core.algorithms.common.device import choose_device
from async_rl_core.algorithms.common.threads import keep_freed_memory, use_threads
from async_rl_core.algorithms.registry import make_algorithm
from async_rl_core.bringup.process.link import supervisor
from async_rl_core.config.schema import Config
from async_rl_core.errors import ConfigError
from async_rl_core.learning.checkpoint_folder import CheckpointFolder
from async_rl_core.learning.learner import Learner
from async_rl_core.learning.metrics import MetricsWriter
from async_rl_core.run_folder.run_folder import RunFolder
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
"""Seconds that a wait for a batch may take: so fast is a stop seen."""
STATE_PERIOD = 1.0
STALLED_AFTER = 5.0
"""Seconds without an update, once there was one, that are worth a warning."""


class LearnerNode(ConfiguredNode):
    """Connects the core's `Learner` to shared memory, files and topics.

    It goes on from the run's newest checkpoint, if there is one.

    Raises `TransportError` where another learner holds the domain, `CheckpointError` or `MetricsError` where the run's
    folder is none or no checkpoint in it can be used, `DivergenceError` where learning broke down.
    """

    def __init__(self) -> None:
        super().__init__("learner_node")
        # After the middleware's threads, which keep their places, and before torch's, which inherit ours.
        scheduled = background()
        config = self.config
        keep_freed_memory()
        threads = use_threads(config.learner.threads)
        run_dir = required_run_dir(config)
        device = choose_device(config.learner.device)
        algorithm = make_algorithm(config, device)
        self._endpoint = Endpoint(domain_from_environment(), "learner_node")
        batches = BatchClient(self._endpoint, BatchLayout.from_config(config), requests_ahead(config))
        parameters = ParameterPublisher(self._endpoint, algorithm.policy_size)
        # From here on the only learner in the domain, and in the run's files.
        self._checkpoints = CheckpointFolder(
            RunFolder(run_dir).checkpoints, algorithm, config.learner.checkpoint_period
        )
        env_steps = self._checkpoints.restore(self.get_logger().warning)
        self._metrics = MetricsWriter(run_dir, algorithm.updates, warn=self.get_logger().warning)
        self._trouble = WarningLog(self)
        self._learner = Learner(
            algorithm,
            batches,
            parameters,
            config.learner.publish_period,
            config.learner.metrics_period,
            config.replay.sampler == "prioritised",
        )
        self._learner.env_steps = env_steps
        self._state = self.create_publisher(LearnerState, LEARNER_STATE_TOPIC, qos.LATCHED)
        self._diagnostics = Diagnostics(self, self._health)
        self._last_update: float | None = None
        self._next_state = time.monotonic()
        self._learner.publish()  # the agent has a policy as soon as it needs one
        start = f" from update {algorithm.updates}" if algorithm.updates else ""
        self.get_logger().info(f"learning on {device} with {threads} thread(s){start}; {scheduled}")

    def run(self, stop: StopSignal) -> None:
        """Learn until the stop; a stop is seen after the current update. The last state is a checkpoint."""
        while not stop.requested:
            updates = self._learner.algorithm.updates
            due = self._learner.step(WAIT)
            now = time.monotonic()
            if self._learner.algorithm.updates > updates:
                if self._last_update is None:
                    self._next_state = now  # that it learns, or learns again, is news
                self._last_update = now
            if due:
                self._metrics.write(self._learner.algorithm.updates, self._learner.env_steps, self._learner.metrics)
            self._checkpoints.save_when_due(self._learner.env_steps)
            if now >= self._next_state:
                self._next_state = now + STATE_PERIOD
                self._publish_state()
                self._note_trouble()
            self.executor_.spin_once(timeout_sec=0.0)
            self._diagnostics.publish_changes()
        supervisor().report("writing the last checkpoint")
        self._publish_state()
        self._checkpoints.close(self._learner.env_steps)
        for trouble in filter(None, (self._checkpoints.failed, self._metrics.failed)):
            self.get_logger().error(trouble)

    def _note_trouble(self) -> None:
        self._trouble.update("metrics", self._metrics.failed)
        self._trouble.update("checkpoints", self._checkpoints.failed)
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
        if trouble := self._checkpoints.failed or self._metrics.failed:
            return Health(Level.WARN, trouble, values)
        if self._last_update is None:
            return Health(Level.OK, "waiting for the first transitions", values)
        idle = time.monotonic() - self._last_update
        if idle > STALLED_AFTER:
            return Health(Level.WARN, f"no mini-batch for {idle:.0f} s: see replay_node and rl_agent_node", values)
        return Health(Level.OK, "learning", values)

    def close(self) -> None:
        """Give the shared memory back and close the files."""
        self._metrics.close()
        self._endpoint.close()


def requests_ahead(config: Config) -> int:
    """Return how many mini-batches replay samples while the learner updates: what tells async2 from async1."""
    return config.learner.batches_in_flight if config.architecture == "async2" else 0


def required_run_dir(config: Config) -> Path:
    """Return the run's folder. Raises `ConfigError` where the resolved configuration names none."""
    if config.run_dir is None:
        raise ConfigError("run_dir is not set; learner_node needs the run's resolved configuration, see bring-up")
    return config.run_dir


def main() -> None:
    """Entry point."""
    run_node(LearnerNode)
