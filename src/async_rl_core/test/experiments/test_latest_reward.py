import math

import numpy as np
import pytest

from async_rl_core.experiments.simulated_run import LatestReward
from async_rl_core.tasks.checks import CheckedReward, TaskError


def test_latest_reward_that_is_not_finite_is_refused_each_time_it_is_asked_for() -> None:
    reward = LatestReward(CheckedReward("balls", lambda image, angles: (math.nan, 1.0)))
    image, angles = np.zeros((2, 2, 3), np.uint8), np.zeros(6)
    for _ in range(2):
        with pytest.raises(TaskError, match="task 'balls': its reward is nan"):
            reward(image, angles)
