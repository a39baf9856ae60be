import numpy as np

from async_rl_core.agent.observation import JointState
from async_rl_core.agent.state_row import StateRow
from async_rl_core.spec.observation import ObservationSpec, StatePart, arm_parts

ACTUATED = np.array([2, 0])
JOINTS = JointState(np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.2, 0.3]), 0.0)
ACTION = np.array([0.5, -0.5], np.float32)


def test_state_row_has_the_parts_in_the_order_of_the_specification() -> None:
    parts = (*arm_parts(2), StatePart("tool", 1, "m"), StatePart("hidden", 2, "m", privileged=True))
    row = StateRow(ObservationSpec(None, parts), ACTUATED)
    state = row(JOINTS, ACTION, {"hidden": np.array([8.0, 9.0]), "tool": np.array([7.0])})
    assert state.dtype == np.float32
    assert np.allclose(state, [3.0, 1.0, 0.3, 0.1, 0.5, -0.5, 7.0, 8.0, 9.0])


def test_state_row_value_beyond_float32_becomes_infinite() -> None:
    row = StateRow(ObservationSpec(None, (*arm_parts(2), StatePart("tool", 1, "m"))), ACTUATED)
    assert np.isinf(row(JOINTS, ACTION, {"tool": np.array([1e39])})[-1])
