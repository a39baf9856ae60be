"""The replay process: takes every step of the agent, serves mini-batches to the learner."""

import time
from contextlib import ExitStack

import async_rl_ros.node
from async_rl_core.errors import ConfigError
from async_rl_core.replay.batch import BatchLayout
from async_rl_core.replay.replay import Replay
from async_rl_core.transport.batches import BatchServer
from async_rl_core.transport.service import Endpoint, domain_from_environment
from async_rl_core.transport.steps import REPLAY, StepLayout, StepSubscriber
from async_rl_core.transport.wakeup import Listener
from async_rl_ros import scheduling
from async_rl_ros.diagnostics import Diagnostics, Health, Level
from async_rl_ros.node import ConfiguredNode, Stop

NICENESS = 5
WAIT = 0.1
"""Seconds of sleep at most, so that a stop is noticed."""
SPIN_PERIOD = 0.25
"""Seconds between looks at ROS."""


class ReplayNode(ConfiguredNode):
    """Sleeps until a step or a request arrives. Steps come first: the agent never waits for a mini-batch."""

    def __init__(self) -> None:
        super().__init__("replay_node")
        if self.config.architecture == "seq":
            raise ConfigError("replay_node: with architecture seq the agent's process holds the store; start none")
        self.get_logger().info(scheduling.nice(NICENESS))
        self._replay = Replay(self.config)
        with ExitStack() as stack:
            endpoint = Endpoint(domain_from_environment(), "replay_node")
            stack.callback(endpoint.close)
            self._listener = Listener(endpoint, REPLAY)
            stack.callback(self._listener.close)
            self._steps = StepSubscriber(endpoint, StepLayout.of(self.config))
            stack.callback(self._steps.close)
            self._server = BatchServer(endpoint, BatchLayout.of(self.config))
            stack.callback(self._server.close)
            self._ports = stack.pop_all()
        self._diagnostics = Diagnostics(self, self.health)

    def run(self, stop: Stop) -> None:
        """Serve until a stop is requested. ROS carries only diagnostics here, so it is looked after rarely."""
        spin = time.monotonic()
        while not stop.requested:
            self._listener.wait(WAIT)
            self.work()
            if time.monotonic() >= spin:
                spin = time.monotonic() + SPIN_PERIOD
                self.executor_.spin_once(timeout_sec=0.0)

    def work(self) -> None:
        """Store every step that waits, then answer what requests the rate limiter permits, steps first in between."""
        self._store_steps()
        while self._replay.permits and self._server.serve(self._replay.sample_into):
            self._store_steps()

    def _store_steps(self) -> None:
        while (step := self._steps.receive()) is not None:
            self._replay.insert(step)

    def health(self) -> Health:
        """What is stored, lost, served and waiting."""
        store, limiter = self._replay.store, self._replay.limiter
        values = {
            "transitions": len(store),
            "capacity": store.capacity,
            "env steps": store.env_steps,
            "lost steps": store.lost_steps,
            "batches served": limiter.served,
            "batches on credit": f"{limiter.credit:.1f}",
            "requests waiting": self._server.waiting,
            "memory used, GB": f"{store.nbytes_used / 1e9:.3f}",
            "memory when full, GB": f"{store.nbytes / 1e9:.3f}",
        }
        if store.lost_steps:
            return Health(Level.WARN, f"{store.lost_steps} steps were lost", values)
        return Health(Level.OK, "storing and serving", values)

    def close(self) -> None:
        """Drop the shared memory."""
        self._ports.close()


def main() -> None:
    """Run the node as a process."""
    async_rl_ros.node.main(ReplayNode)
