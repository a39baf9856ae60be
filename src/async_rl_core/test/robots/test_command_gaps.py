"""Reports of gaps in the commands."""

import pytest

from async_rl_core.robots.command_gaps import CommandGaps
from async_rl_core.robots.controller import VelocityController

CYCLE = 0.008


class Arm:
    """A controller that is looked at every cycle, and all lines that come of it."""

    def __init__(self) -> None:
        self.controller = VelocityController(1, 0.02)
        self.gaps = CommandGaps(self.controller)
        self.now = 0.0
        self.lines: list[str] = []

    def cycles(self, count: int, velocity: float | None) -> None:
        for _ in range(count):
            if velocity is not None and self.controller.command([velocity], self.now):
                self.lines.append(self.gaps.ended(self.now))
            self.lines.append(self.gaps.started(self.now))
            self.now += CYCLE

    def said(self) -> list[str]:
        return [line for line in self.lines if line]


@pytest.fixture
def arm() -> Arm:
    return Arm()


def test_command_gaps_in_motion_reports_each_once(arm: Arm) -> None:
    arm.cycles(10, 0.3)
    arm.cycles(50, None)
    arm.cycles(10, 0.3)
    assert arm.said() == ["no command for 24 ms; stopping the arm", "commands again after 408 ms; the arm follows them"]
    arm.cycles(200, None)
    arm.cycles(1, 0.0)
    assert arm.said()[3:] == ["commands again after 1.6 s; the arm follows them"]


def test_command_gaps_at_rest_reports_nothing(arm: Arm) -> None:
    arm.cycles(50, None)
    for _ in range(5):
        arm.cycles(10, 0.0)
        arm.cycles(10, None)
    assert arm.said() == []


def test_command_gaps_without_a_gap_reports_nothing(arm: Arm) -> None:
    for _ in range(20):
        arm.cycles(1, 0.3)
        arm.cycles(2, None)
    assert arm.said() == []
