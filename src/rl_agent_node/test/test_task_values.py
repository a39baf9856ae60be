import numpy as np
import pytest

from async_rl_interfaces.msg import TaskState
from rl_agent_node.messages import task_values


def test_task_values_follow_names_and_sizes() -> None:
    values = task_values(TaskState(part=["tool", "angle"], size=[3, 1], value=[1.0, 2.0, 3.0, 4.0]))
    assert list(values) == ["tool", "angle"]
    assert np.array_equal(values["tool"], [1.0, 2.0, 3.0]) and np.array_equal(values["angle"], [4.0])
    assert task_values(TaskState()) == {}


def test_task_values_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"1 parts of sizes \[3\] with 2 values"):
        task_values(TaskState(part=["tool"], size=[3], value=[1.0, 2.0]))
