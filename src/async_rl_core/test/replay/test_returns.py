import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_rl_core.replay.returns import NStepReturn


def test_return_of_one_step_is_the_reward() -> None:
    reward = np.array([[1.1], [-2.3]], np.float32)
    terminal = np.array([[False], [True]])
    m, value, bootstrap = NStepReturn(0.99)(reward, terminal, np.ones((2, 1), bool))
    assert m.tolist() == [1, 1]
    np.testing.assert_array_equal(value.astype(np.float32), reward[:, 0])
    assert bootstrap.tolist() == [0.99, 0.0]


def test_return_of_three_steps_equals_the_sum_by_hand() -> None:
    reward = np.array([[1, 2, 4]] * 4, np.float32)
    terminal = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]], bool)
    follows = np.array([[1, 1, 1], [1, 1, 1], [1, 1, 1], [1, 0, 1]], bool)
    m, value, bootstrap = NStepReturn(0.5, 3)(reward, terminal, follows)
    assert m.tolist() == [3, 2, 3, 1]
    assert value.tolist() == [1 + 1 + 1, 1 + 1, 3, 1]
    assert bootstrap.tolist() == [0.125, 0.0, 0.0, 0.5]


@given(
    discount=st.floats(0, 1, exclude_max=True),
    steps=st.lists(st.tuples(st.floats(-9, 9, width=32), st.booleans(), st.booleans()), min_size=1, max_size=9),
)
def test_return_equals_its_recursion(discount: float, steps: list[tuple[float, bool, bool]]) -> None:
    def value_of(i: int) -> tuple[int, float, float]:
        reward, terminal, _ = steps[i]
        if terminal:
            return 1, reward, 0.0
        if i + 1 == len(steps) or not steps[i + 1][2]:
            return 1, reward, discount
        m, value, bootstrap = value_of(i + 1)
        return m + 1, reward + discount * value, discount * bootstrap

    reward, terminal, follows = (np.array([column]) for column in zip(*steps, strict=True))
    follows[:, 0] = True
    got = NStepReturn(discount, len(steps))(reward.astype(np.float32), terminal, follows)
    expected = value_of(0)
    assert [float(array[0]) for array in got] == pytest.approx(expected)
