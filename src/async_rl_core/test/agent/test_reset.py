import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from async_rl_core.agent.reset import ResetMotion, ResetPath

STEP = 0.04
CYCLES = st.sampled_from([0.008, STEP, 0.12, 0.48, 1.48])


@given(arrays(np.float64, 6, elements=st.floats(-2.0, 2.0)), CYCLES)
def test_reset_arrives_from_anywhere_within_the_velocity_limit(origin: np.ndarray, cycle: float) -> None:
    goal = np.zeros(6)
    motion = ResetMotion(origin, goal, max_velocity=1.5, duration=2.5, now=10.0, cycle=cycle)
    position, now = origin.copy(), 10.0
    while now < 10.0 + motion.duration + max(0.5, 2 * cycle):
        velocity = motion.velocity(now, position)
        assert np.abs(velocity).max() <= 1.5
        position += velocity * cycle
        now += cycle
    assert motion.arrived(position)


def test_reset_short_way_takes_the_given_time_and_a_long_one_longer() -> None:
    near = ResetMotion(np.full(6, 0.5), np.zeros(6), 1.5, 2.5, 0.0, STEP)
    far = ResetMotion(np.full(6, 3.0), np.zeros(6), 1.5, 2.5, 0.0, STEP)
    assert near.duration == 2.5
    assert far.duration == pytest.approx(1.875 * 3.0 / 1.5)


@given(arrays(np.float64, (3, 4), elements=st.floats(-1.0, 1.0)))
def test_reset_path_goes_through_each_pose_and_ends_at_the_last(poses: np.ndarray) -> None:
    path = ResetPath(np.zeros(4), list(poses), max_velocity=1.5, duration=3.0, now=0.0, cycle=STEP)
    position, visited = np.zeros(4), []
    for i in range(400):
        velocity = path.velocity(i * STEP, position)
        assert np.abs(velocity).max() <= 1.5
        position = position + velocity * STEP
        visited.append(position)
        if path.arrived(position):
            break
    assert path.arrived(position)
    assert all(np.abs(np.array(visited) - pose).max(axis=1).min() < 0.05 for pose in poses)
