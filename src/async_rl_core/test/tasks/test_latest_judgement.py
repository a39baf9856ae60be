import math

import numpy as np
import pytest

from async_rl_core.config.load import resolve
from async_rl_core.tasks.checks import TaskError
from async_rl_core.tasks.latest_judgement import LatestJudgement
from async_rl_core.tasks.outcome import Outcome
from async_rl_core.tasks.task import Reward, Task


class Balls(Task):
    """Pays what the test says."""

    def __init__(self, pay: float) -> None:
        super().__init__(resolve("laptop"))
        self.judged = 0
        self._pay = pay

    def reward(self) -> Reward:
        def judge(outcome: Outcome) -> tuple[float, float]:
            self.judged += 1
            return self._pay, 1.0

        return judge


def outcome(position: np.ndarray) -> Outcome:
    return Outcome(position, np.zeros(6), np.zeros(6, np.float32))


def test_latest_judgement_reward_that_is_not_finite_is_refused_each_time() -> None:
    task, position = LatestJudgement("balls", Balls(math.nan)), np.zeros(6)
    for _ in range(2):
        with pytest.raises(TaskError, match="task 'balls': its reward is nan"):
            task.judge(outcome(position))


def test_latest_judgement_same_arrays_are_judged_once() -> None:
    balls, position = Balls(2.0), np.zeros(6)
    task = LatestJudgement("balls", balls)
    assert task.judge(outcome(position)) == task.judge(outcome(position)) == (2.0, 1.0, False)
    assert balls.judged == 1
    task.judge(outcome(position.copy()))
    assert balls.judged == 2
