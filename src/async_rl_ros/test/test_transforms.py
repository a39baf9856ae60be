import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from async_rl_ros import transforms

OWN = SimpleNamespace(
    quaternion_from_matrix=transforms.own_quaternion_from_matrix, quaternion_matrix=transforms.own_quaternion_matrix
)
both = pytest.mark.parametrize("module", [OWN, transforms], ids=["own", "installed"])
components = st.lists(st.floats(-1, 1), min_size=4, max_size=4)

HALF = math.sqrt(0.5)
TURNS = {
    (0.0, 0.0, 0.0, 1.0): np.eye(3),
    (HALF, 0.0, 0.0, HALF): np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]),
    (0.0, HALF, 0.0, HALF): np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]]),
    (0.0, 0.0, HALF, HALF): np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]]),
}


@both
@pytest.mark.parametrize(("quaternion", "rotation"), TURNS.items())
def test_quarter_turns_have_known_matrices(module, quaternion, rotation):
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    np.testing.assert_allclose(module.quaternion_matrix(quaternion), matrix, atol=1e-12)
    np.testing.assert_allclose(module.quaternion_from_matrix(matrix), quaternion, atol=1e-12)


@both
@given(components=components)
def test_quaternion_of_its_matrix_is_the_same_rotation(module, components):
    quaternion = np.array(components)
    length = np.linalg.norm(quaternion)
    assume(length > 0.1)
    quaternion /= length
    back = module.quaternion_from_matrix(module.quaternion_matrix(quaternion))
    assert abs(back @ quaternion) == pytest.approx(1.0, abs=1e-9)
    assert back[3] >= -1e-9


@both
@given(components=components)
def test_quaternion_matrix_is_a_rotation(module, components):
    quaternion = np.array(components)
    assume(np.linalg.norm(quaternion) > 0.1)
    rotation = module.quaternion_matrix(quaternion)[:3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1.0)
