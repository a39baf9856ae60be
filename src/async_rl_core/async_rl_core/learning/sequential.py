"""Seq: acting, sampling and updating take turns in one process (Yuan, 2022, section 4.2)."""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from async_rl_core.algorithms.common.compute import choose_device, keep_freed_memory, use_threads
from async_rl_core.algorithms.registry import make_algorithm, make_policy
from async_rl_core.config.schema import Config
from async_rl_core.learning.learner import Learner
from async_rl_core.replay.replay import Replay
from async_rl_core.spec.batch import Batch, BatchLayout
from async_rl_core.spec.sizes import StepSizes
from async_rl_core.spec.step import SINGLE_ACTOR, Step


class SequentialLearning:
    """Replay, learner and policy in one process; `poll` does the updates that the last step allows.

    Attributes:
        replay: stores the steps.
        learner: does the updates.
        policy: acts with the learner's parameters.
    """

    newest_ack = None
    """None: a step is stored at once."""

    def __init__(self, config: Config, clock: Callable[[], float] = time.monotonic) -> None:
        keep_freed_memory()
        use_threads(config.learner.threads)
        self.replay = Replay(config)
        self._batch = BatchLayout.from_config(config).allocate()
        self.policy = make_policy(config, threads=None)
        device = choose_device(config.learner.device)
        algorithm, self._warm_up_learner = (make_algorithm(config, device) for _ in range(2))
        _fill(config, self._batch)
        self.warm_up()
        self.learner = Learner.from_config(config, algorithm, self, self, clock)
        self.learner.publish()
        self._clock = clock
        self._limited = True
        self._polled = 0

    @property
    def updates(self) -> int:
        """Gradient updates so far."""
        return self.learner.algorithm.updates

    def send(self, step: Step) -> bool:
        """Stores a step at once; returns True."""
        self.replay.insert(step)
        return True

    def poll(self) -> bool:
        """Does the updates that are due; returns whether the policy is newer than at the last call."""
        before = self._polled
        self._limited = True  # what is learned first has waited for the step before it
        while self.replay.permits:
            self.learner.step(timeout=0.0)
        self._polled = self.learner.version
        return self._polled > before

    def warm_up(self) -> None:
        """Does an update on the last batch with a learner whose results are not used.

        The first update takes 50 ms longer than the others. So does an update after half a minute without one, if the
        host of a virtual machine has taken back the memory.
        """
        self._warm_up_learner.update(self._batch, report=False)

    def receive(self, timeout: float) -> Batch | None:
        """Samples a batch for the learner at once."""
        began = self._clock()
        self.replay.sample_into(self._batch)
        self._batch.sampling[:] = began, self._clock(), self._limited
        self._limited = False
        return self._batch

    def reprioritise(self, index: NDArray[np.uint64], td_error: NDArray[np.float32]) -> None:
        """Passes the TD errors (B,) of a batch's transitions to the store."""
        self.replay.reprioritise(index, td_error)

    def publish(self, version: int, updates: int, values: NDArray[np.float32]) -> None:
        """Loads the learner's parameters into the policy."""
        self.policy.load(values)

    def refresh(self) -> None:
        """Does nothing: there is no other subscriber."""

    def close(self) -> None:
        """Completes the journal, if there is one."""
        self.replay.close()


def _fill(config: Config, batch: Batch) -> None:
    """Fills a batch with black images, from a store of two steps."""
    eager = config.agent.model_copy(update={"initial_steps": 0})
    small = config.replay.model_copy(update={"capacity": 2, "storage": "ram"})
    replay = Replay(config.model_copy(update={"agent": eager, "replay": small}))
    sizes = StepSizes.from_config(config)
    frames = np.zeros((int(sizes.has_frames), sizes.height, sizes.width, 3), np.uint8)
    state, action = np.zeros(sizes.state, np.float32), np.zeros(sizes.action, np.float32)
    for i in range(2):
        replay.insert(Step(SINGLE_ACTOR, i, 1, i, frames, state, action, 0.0, terminal=False))
    replay.sample_into(batch)
