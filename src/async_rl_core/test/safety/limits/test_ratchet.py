"""Motions allowed to an arm beyond a limit."""

from itertools import pairwise

import numpy as np
import pytest

from async_rl_core.safety.limits.ratchet import LEAVING, Ratchet

TOLERANCE = 1e-5


def admits(ratchet: Ratchet, *gaps: float, length: float = 1.0) -> bool:
    """Judges a path past one surface; a gap that is not negative is clear of it."""
    start, *poses = ({0: gap} if gap < 0.0 else {} for gap in gaps)
    return ratchet.admits(start, poses, length)


def test_ratchet_of_an_arm_inside_refuses_motion_outside() -> None:
    ratchet = Ratchet(TOLERANCE)
    assert admits(ratchet, 0.0, 0.0)
    assert not admits(ratchet, 0.0, -1e-9)
    assert not ratchet


def test_ratchet_compares_with_the_largest_gap_not_the_present_one() -> None:
    ratchet = Ratchet(TOLERANCE)
    assert admits(ratchet, -0.003, -0.003)
    assert admits(ratchet, -0.002, -0.002)
    assert not admits(ratchet, -0.002, -0.003)
    assert not admits(ratchet, -0.003, -0.003)


def test_ratchet_with_steps_within_its_tolerance_prevents_accumulation() -> None:
    ratchet, gap = Ratchet(TOLERANCE), -0.001
    for _ in range(1000):
        if admits(ratchet, gap, gap - 0.9 * TOLERANCE):
            gap -= 0.9 * TOLERANCE
    assert gap >= -0.001 - TOLERANCE


def test_ratchet_with_noise_admits_motion_that_leaves() -> None:
    ratchet, rng, gap = Ratchet(TOLERANCE), np.random.default_rng(1), -0.003
    for _ in range(200):
        seen = gap + rng.uniform(-0.0005, 0.0005)
        if gap < 0.0 and admits(ratchet, seen, seen + 0.0001, length=0.001):
            gap += 0.0001
    assert gap >= -0.0005


def test_ratchet_does_not_count_motion_along_the_surface_as_leaving() -> None:
    ratchet = Ratchet(TOLERANCE)
    assert admits(ratchet, -0.04, -0.04)
    assert not admits(ratchet, -0.06, -0.06 + 0.9 * LEAVING, length=1.0)
    assert admits(ratchet, -0.06, -0.06 + 1.1 * LEAVING, length=1.0)


def test_ratchet_admits_motion_that_ends_inside() -> None:
    ratchet = Ratchet(TOLERANCE)
    assert admits(ratchet, -0.0001, -0.0001)
    assert admits(ratchet, -0.0005, -0.0005, 0.0, length=1.0)


def test_ratchet_refuses_a_path_that_first_leads_further_outside() -> None:
    assert not admits(Ratchet(TOLERANCE), -0.002, -0.003, 0.01)


def test_ratchet_after_the_arm_was_inside_forgets_the_gap() -> None:
    ratchet = Ratchet(TOLERANCE)
    for gap in (-0.001, 0.0, -0.004):
        assert admits(ratchet, gap, gap)


def test_ratchet_outside_one_surface_refuses_a_second() -> None:
    for trading in (False, True):
        assert not Ratchet(TOLERANCE, trading).admits({0: -0.02}, [{0: -0.001, 1: -0.001}], 0.01)


@pytest.mark.parametrize(("trading", "admitted"), [(False, False), (True, True)])
def test_ratchet_with_trading_admits_smaller_gaps_for_the_smallest(trading: bool, admitted: bool) -> None:
    start, poses = {0: -0.2, 1: -0.05}, [{0: -0.18, 1: -0.06}, {0: -0.16, 1: -0.07}]
    assert Ratchet(TOLERANCE, trading).admits(start, poses, 0.1) is admitted
    assert not Ratchet(TOLERANCE, trading).admits(start, [{0: -0.2, 1: -0.07}], 0.1)


def test_ratchet_with_trading_ends_inside() -> None:
    """Out by one surface and in by another, in turns, gains with every motion."""
    ratchet, gaps, furthest = Ratchet(TOLERANCE, trading=True), {0: -0.2, 1: -0.1}, []
    for i in range(50):
        end = {i % 2: gaps[i % 2] + 0.004, 1 - i % 2: gaps[1 - i % 2] - 0.003}
        if ratchet.admits(gaps, [end], 0.01):
            gaps = end
        furthest.append(min(gaps.values()))
    assert all(before <= after for before, after in pairwise(furthest))
