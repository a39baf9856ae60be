import numpy as np
import pytest

from async_rl_core.agent.warm_up import STEPS, warm_up
from async_rl_core.config.load import resolve
from async_rl_core.tasks.checks import CheckedTask
from async_rl_core.tasks.task import Reward, Task


@pytest.mark.parametrize("cycle", [0.04, 0.08])
def test_warm_up_episode_runs_to_its_end_with_the_policy_in_it(cycle: float) -> None:
    config = resolve("laptop", {"agent.action_cycle_time": cycle})
    acted, rewarded = [], []

    class Policy:
        def begin_episode(self, episode: int) -> None:
            pass

        def act(self, images: np.ndarray, state: np.ndarray) -> np.ndarray:
            acted.append(images.shape)
            return np.zeros(5, np.float32)

    class Counting(Task):
        def reward(self) -> Reward:
            return lambda outcome: (float(rewarded.append(outcome.image.shape) is None), 0.0)

    warm_up(config, Policy(), CheckedTask("counting", Counting(config)))
    assert len(rewarded) == STEPS
    assert len(acted) == STEPS - 1  # the first action is random
