"""Acceptance and expiry of velocity commands."""

import math

import pytest

from async_rl_core.robots.controller import VelocityController

TIMEOUT = 0.1


@pytest.fixture
def controller() -> VelocityController:
    return VelocityController(3, TIMEOUT)


def test_controller_before_the_first_command_follows_nothing(controller: VelocityController) -> None:
    assert controller.wanted(0.0) is None


def test_controller_follows_the_last_command_until_its_timeout(controller: VelocityController) -> None:
    assert controller.command([0.1, 0.2, 0.3], 5.0)
    wanted = controller.wanted(5.0 + TIMEOUT)
    assert wanted is not None
    assert wanted.tolist() == [0.1, 0.2, 0.3]
    assert controller.wanted(5.0 + TIMEOUT + 1e-6) is None


@pytest.mark.parametrize("bad", [[], [math.nan, 0.0, 0.0], [0.0, math.inf, 0.0]])
def test_controller_drops_empty_and_not_finite_commands(controller: VelocityController, bad: list[float]) -> None:
    controller.command([0.1, 0.2, 0.3], 0.0)
    assert not controller.command(bad, 0.05)
    assert controller.active
    assert controller.dropped == 1
    assert controller.wanted(0.11) is None  # it did not count as a sign of life either


@pytest.mark.parametrize("length", [1, 2, 4])
def test_controller_with_a_command_of_wrong_length_is_deactivated(controller: VelocityController, length: int) -> None:
    controller.command([0.1, 0.2, 0.3], 0.0)
    assert not controller.command([0.1] * length, 0.01)
    assert controller.wanted(0.01) is None
    assert not controller.command([0.1, 0.2, 0.3], 0.02)
    controller.activate()
    assert controller.wanted(0.02) is None
    assert controller.command([0.1, 0.2, 0.3], 0.03)
    assert controller.wanted(0.03) is not None
    controller.activate()  # of what is active: nothing changes
    assert controller.wanted(0.03) is not None


def test_controller_after_a_gap_is_resuming(controller: VelocityController) -> None:
    controller.command([0.1, 0.2, 0.3], 0.0)
    controller.command([0.1, 0.2, 0.3], TIMEOUT)
    assert not controller.resuming
    controller.command([0.1, 0.2, 0.3], 2.1 * TIMEOUT)
    controller.command([0.1, 0.2, 0.3], 2.2 * TIMEOUT)
    assert controller.resuming
    controller.resumed()
    assert not controller.resuming
