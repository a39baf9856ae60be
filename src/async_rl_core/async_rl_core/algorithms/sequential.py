"""Seq-SAC: sample and update take turns with acting, in the agent's own process (Yuan, 2022, section 4.2)."""

import numpy as np
from numpy.typing import NDArray

from async_rl_core.algorithms.device import choose_device
from async_rl_core.algorithms.learner import Learner
from async_rl_core.algorithms.policy import Policy
from async_rl_core.algorithms.sac import SAC
from async_rl_core.algorithms.spec import ObservationSpec
from async_rl_core.algorithms.threads import keep_freed_memory, use_threads
from async_rl_core.config.schema import Config
from async_rl_core.replay.batch import Batch, BatchLayout
from async_rl_core.replay.replay import Replay
from async_rl_core.replay.step import Step


class SequentialLearning:
    """Store, learner and policy in one process: `poll` does the updates that the last step allows."""

    def __init__(self, config: Config) -> None:
        spec, actions = ObservationSpec.of(config), len(config.robot.actuated_joints)
        keep_freed_memory()
        use_threads(config.learner.threads)
        self._replay = Replay(config)
        self._batch = BatchLayout.of(config).allocate()
        self.policy = Policy(config.sac, spec, actions, config.seed, threads=None)
        device = choose_device(config.learner.device)
        # The first sample and the first update take 50 ms longer than the others: not while the arm moves.
        _fill(config, self._batch)
        SAC(config.sac, spec, actions, config.seed, device).update(self._batch)
        sac = SAC(config.sac, spec, actions, config.seed, device)
        self.learner = Learner(sac, self, self, publish_period=1, metrics_period=config.learner.metrics_period)

    @property
    def updates(self) -> int:
        """Gradient updates so far."""
        return self.learner.sac.updates

    def send(self, step: Step) -> bool:
        """Store a step: always, and at once."""
        self._replay.insert(step)
        return True

    def poll(self) -> bool:
        """Do the updates that are due; return whether there were any."""
        before = self.updates
        while self._replay.permits:
            self.learner.step(timeout=0.0)
        return self.updates > before

    def receive(self, timeout: float) -> Batch | None:
        """Sample a batch for the learner, whatever the timeout."""
        self._replay.sample_into(self._batch)
        return self._batch

    def publish(self, version: int, updates: int, values: NDArray[np.float32]) -> None:
        """Take the learner's policy."""
        self.policy.load(values)

    def refresh(self) -> None:
        """Nobody else waits for a policy."""

    def close(self) -> None:
        """Nothing is held."""


def _fill(config: Config, batch: Batch) -> None:
    """Sample black images from a store of two steps."""
    eager = config.agent.model_copy(update={"initial_steps": 0})
    replay = Replay(config.model_copy(update={"agent": eager}))
    camera, actions = config.camera, len(config.robot.actuated_joints)
    frames = np.zeros((1, camera.height, camera.width, 3), np.uint8)
    proprioception, action = np.zeros(3 * actions, np.float32), np.zeros(actions, np.float32)
    for i in range(2):
        replay.insert(Step(i, 1, i, frames, proprioception, action, 0.0, terminal=False))
    replay.sample_into(batch)
