"""The duration of one action cycle of Seq on this computer, measured in a separate process.

`python -m async_rl_core.learning.cost` reads a configuration as JSON and writes a `ActionCost` as JSON.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from async_rl_core.config.schema import Config
from async_rl_core.errors import AsyncRLError
from async_rl_core.learning.sequential import SequentialLearning
from async_rl_core.spec.observation import ObservationSpec
from async_rl_core.spec.sizes import StepSizes
from async_rl_core.spec.step import SINGLE_ACTOR, Step

WARM_UP = 4
CYCLES = 24
MIN_CYCLES = 8
PATIENCE = 12.0
"""Seconds after which fewer cycles are enough."""


@dataclass(frozen=True)
class ActionCost:
    """Seconds that the parts of an action take, medians; `total` is what three actions of four stay below.

    Every second update also moves actor and targets. The upper quartile is the median of those, and robust against
    interruptions by other processes.
    """

    act: float
    sample: float
    update: float
    total: float


def measure(config: Config, clock: Callable[[], float] = time.perf_counter) -> ActionCost:
    """Measures acting, storing, sampling and updating on noise, as Seq does with this configuration."""
    learning = SequentialLearning(_eager(config), clock)
    steps = _Noise(config)
    acts, totals = [], []
    end = clock() + PATIENCE
    for i in range(WARM_UP + CYCLES):
        images, step = steps.next()
        start = clock()
        learning.policy.act(images, step.state)
        acted = clock()
        updates = learning.updates
        learning.send(step)
        learning.poll()
        if i >= WARM_UP and learning.updates > updates:
            acts.append(acted - start)
            totals.append(clock() - start)
        if len(totals) >= MIN_CYCLES and clock() > end:
            break
    learner = learning.learner
    sample, update = (1e-3 * part.percentile(50) for part in (learner.sampling, learner.updating))
    return ActionCost(float(np.median(acts)), sample, update, float(np.quantile(totals, 0.75)))


def _eager(config: Config) -> Config:
    """Returns a configuration that learns from the first step, at least once per step, and stores little."""
    return config.model_copy(
        update={
            "agent": config.agent.model_copy(update={"initial_steps": 0}),
            "replay": config.replay.model_copy(update={"capacity": 1000, "storage": "ram"}),
            "learner": config.learner.model_copy(
                update={"max_updates_per_step": max(1.0, config.learner.max_updates_per_step)}
            ),
        }
    )


class _Noise:
    """Observations and steps of noise."""

    def __init__(self, config: Config) -> None:
        self._rng = np.random.default_rng(0)
        self._spec, self._actions = ObservationSpec.from_config(config), len(config.robot.actuated_joints)
        sizes = StepSizes.from_config(config)
        self._frames = (config.agent.frame_stack * sizes.has_frames, sizes.height, sizes.width, 3)
        self._count = 0

    def next(self) -> tuple[np.ndarray, Step]:
        """Images (h, w, 3 * stack) uint8, and a step."""
        spec, rng, i = self._spec, self._rng, self._count
        self._count += 1
        images = rng.integers(0, 256, spec.image_shape, np.uint8)
        frames = rng.integers(0, 256, self._frames, np.uint8)
        state = rng.normal(size=spec.state_size).astype(np.float32)
        action = rng.uniform(-1, 1, self._actions).astype(np.float32)
        return images, Step(SINGLE_ACTOR, i, 1, i, frames, state, action, float(rng.normal()), terminal=False)


def main() -> None:
    """Measures the configuration on standard input."""
    try:
        print(json.dumps(asdict(measure(Config.from_values(json.loads(sys.stdin.read()))))))
    except AsyncRLError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
