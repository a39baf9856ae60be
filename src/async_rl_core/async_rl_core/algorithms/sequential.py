"""Seq-SAC: sample and update take turns with acting, in the agent's own process (Yuan, 2022, section 4.2)."""

import numpy as np
from numpy.typing import NDArray

from async_rl_core.algorithms.learner import Learner
from async_rl_core.algorithms.policy import Policy
from async_rl_core.algorithms.sac import SAC
from async_rl_core.algorithms.spec import ObservationSpec
from async_rl_core.config.schema import Config
from async_rl_core.replay.batch import Batch, BatchLayout
from async_rl_core.replay.crop import Crop
from async_rl_core.replay.limiter import RateLimiter
from async_rl_core.replay.sampler import UniformSampler
from async_rl_core.replay.step import Step
from async_rl_core.replay.store import FrameStore


class SequentialLearning:
    """Store, learner and policy in one process: `poll` does the updates that the last step allows."""

    def __init__(self, config: Config) -> None:
        spec, actions = ObservationSpec.of(config), len(config.robot.actuated_joints)
        camera, replay = config.camera, config.replay
        self._limiter = RateLimiter(config.agent.initial_steps, config.learner.max_updates_per_step)
        self._store = FrameStore.of(config)
        self._crop = Crop(camera.height, camera.width, replay.crop_fraction, replay.crop_range)
        self._rng = np.random.default_rng(config.seed)
        self._sampler = UniformSampler(self._rng)
        layout = BatchLayout(
            config.sac.batch_size, spec.height, spec.width, spec.channels, spec.proprioception, actions
        )
        self._batch = layout.allocate()
        # The policy comes first: it sets one thread, which is the learner's to overrule.
        self.policy = Policy(config.sac, spec, actions, config.seed)
        self.learner = Learner(
            SAC(config.sac, spec, actions, config.seed), self, self, publish_period=1,
            metrics_period=config.learner.metrics_period,
        )  # fmt: skip

    @property
    def updates(self) -> int:
        """Gradient updates so far."""
        return self.learner.sac.updates

    def send(self, step: Step) -> bool:
        """Store a step."""
        before = self._store.env_steps
        self._store.insert(step)
        if self._store.env_steps > before:
            self._limiter.insert()
        return True

    def poll(self) -> bool:
        """Do the updates that are due; returns whether there were any."""
        before = self.updates
        while self._limiter.permits() and len(self._store) > 0:
            self.learner.step(timeout=0.0)
        return self.updates > before

    def receive(self, timeout: float) -> Batch | None:
        """Sample a batch for the learner: at once, whatever the timeout."""
        self._limiter.serve()
        self._store.sample_into(self._batch, self._sampler, self._crop, self._rng)
        return self._batch

    def publish(self, version: int, updates: int, values: NDArray[np.float32]) -> None:
        """Take the learner's policy."""
        self.policy.load(values)

    def refresh(self) -> None:
        """Nobody comes late here."""

    def close(self) -> None:
        """Nothing is held."""
