"""The learner as a process: mini-batches in, policy parameters out, and a record of how it goes."""

import time
from pathlib import Path

from async_rl_core.algorithms.checkpoint import CheckpointFolder
from async_rl_core.algorithms.device import choose_device
from async_rl_core.algorithms.learner import Learner
from async_rl_core.algorithms.metrics import MetricsWriter
from async_rl_core.algorithms.sac import SAC
from async_rl_core.algorithms.spec import ObservationSpec
from async_rl_core.algorithms.threads import keep_freed_memory, use_threads
from async_rl_core.config.schema import Config
from async_rl_core.errors import ConfigError
from async_rl_core.replay.batch import BatchLayout
from async_rl_core.transport.batches import BatchClient
from async_rl_core.transport.parameters import ParameterPublisher
from async_rl_core.transport.service import Endpoint, domain_from_environment
from async_rl_interfaces.msg import LearnerState
from async_rl_ros import qos
from async_rl_ros.diagnostics import Diagnostics, Health, Level
from async_rl_ros.node import ConfiguredNode, Stop
from async_rl_ros.node import main as run_node
from async_rl_ros.scheduling import background

WAIT = 0.1
"""Seconds that a wait for a batch may take: so fast is a stop seen."""
STATE_PERIOD = 1.0
STALLED_AFTER = 5.0
"""Seconds without an update, once there was one, that are worth a warning."""


class LearnerNode(ConfiguredNode):
    """Connects the core's `Learner` to shared memory, files and topics.

    Raises `TransportError` where another learner holds the domain, `CheckpointError` or `MetricsError` where the run's
    folder cannot be written, `DivergenceError` where learning broke down.
    """

    def __init__(self) -> None:
        super().__init__("learner_node")
        # After the middleware's threads, which keep their places, and before torch's, which inherit ours.
        scheduled = background()
        config = self.config
        keep_freed_memory()
        threads = use_threads(config.learner.threads)
        run_dir = required_run_dir(config)
        spec, actions = ObservationSpec.of(config), len(config.robot.actuated_joints)
        device = choose_device(config.learner.device)
        sac = SAC(config.sac, spec, actions, config.seed, device)
        self._checkpoints = CheckpointFolder(run_dir / "checkpoints")
        self._metrics = MetricsWriter(run_dir)
        self._endpoint = Endpoint(domain_from_environment(), "learner_node")
        self._learner = Learner(
            sac,
            BatchClient(self._endpoint, BatchLayout.of(config), requests_ahead(config)),
            ParameterPublisher(self._endpoint, sac.policy_size),
            config.learner.publish_period,
            config.learner.metrics_period,
        )
        self._state = self.create_publisher(LearnerState, "~/state", qos.LATCHED)
        self._diagnostics = Diagnostics(self, self._health)
        self._last_update = self._next_state = time.monotonic()
        self._next_checkpoint = self._last_update + config.learner.checkpoint_period
        self._saved_updates = 0
        self._learner.publish()  # the agent has a policy as soon as it needs one
        self.get_logger().info(f"learning on {device} with {threads} thread(s); {scheduled}")

    def run(self, stop: Stop) -> None:
        """Learn until the stop; a stop is seen after the current update. The last state is a checkpoint."""
        while not stop.requested:
            updates = self._learner.sac.updates
            due = self._learner.step(WAIT)
            now = time.monotonic()
            if self._learner.sac.updates > updates:
                self._last_update = now
            if due:
                self._metrics.write(self._learner.sac.updates, self._learner.env_steps, self._learner.metrics)
            if now >= self._next_checkpoint:
                self._next_checkpoint = now + self.config.learner.checkpoint_period
                self._save()
            if now >= self._next_state:
                self._next_state = now + STATE_PERIOD
                self._publish_state()
            self.executor_.spin_once(timeout_sec=0.0)
        self._save()
        self._publish_state()

    def _save(self) -> None:
        if self._learner.sac.updates > self._saved_updates:
            self._checkpoints.save(self._learner.sac, self._learner.env_steps)
            self._saved_updates = self._learner.sac.updates

    def _publish_state(self) -> None:
        learner = self._learner
        message = LearnerState(
            updates=learner.sac.updates,
            env_steps=learner.env_steps,
            metric=list(learner.metrics),
            value=list(learner.metrics.values()),
        )
        message.header.stamp = self.get_clock().now().to_msg()
        self._state.publish(message)

    def _health(self) -> Health:
        learner = self._learner
        values = {"updates": learner.sac.updates, "env_steps": learner.env_steps, **learner.metrics}
        idle = time.monotonic() - self._last_update
        if learner.sac.updates == 0:
            return Health(Level.OK, "waiting for the first transitions", values)
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
