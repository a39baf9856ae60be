"""Commands that come faster than any agent sends them."""

import time
from types import SimpleNamespace

from async_rl_core.agent.schedule import Schedule
from async_rl_interfaces.msg import VelocityCommand
from safety_guard_node.node import MARGIN, SafetyGuardNode

PERIOD = 0.008


class Accepting:
    """A guard that takes every command."""

    def __init__(self) -> None:
        self.commands = 0

    def on_command(self, *command: object) -> bool:
        self.commands += 1
        return True


def test_a_flood_puts_no_cycle_off() -> None:
    guard, schedule = Accepting(), Schedule(PERIOD, PERIOD, MARGIN, time.monotonic())
    node = SimpleNamespace(_guard=guard, _schedule=schedule, _followed=False, _answered=None)
    while time.monotonic() < schedule.due and guard.commands < 1_000_000:
        SafetyGuardNode._on_command(node, VelocityCommand())  # type: ignore[arg-type]
        assert schedule.due - time.monotonic() < 2 * PERIOD
    assert time.monotonic() >= schedule.due
    assert guard.commands > 3
