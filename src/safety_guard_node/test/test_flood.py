"""Commands that come faster than any agent sends them."""

from types import SimpleNamespace

import pytest

from async_rl_core.realtime.schedule import Schedule
from async_rl_interfaces.msg import VelocityCommand
from safety_guard_node import node as guard_node
from safety_guard_node.node import MARGIN, SafetyGuardNode

PERIOD = 0.008
BETWEEN = 0.00001
"""Seconds from one command to the next."""


class Accepting:
    """A guard that takes every command."""

    def __init__(self) -> None:
        self.commands = 0

    def on_command(self, *command: object) -> bool:
        self.commands += 1
        return True


def test_node_with_a_flood_of_commands_postpones_no_cycle(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = 100.0
    guard, schedule = Accepting(), Schedule(PERIOD, PERIOD, MARGIN, begin)
    node = SimpleNamespace(_guard=guard, _schedule=schedule, _phase_corrected=False, _observed=None)
    # A virtual clock, so that a halt of this process loses no command.
    monkeypatch.setattr(guard_node, "time", SimpleNamespace(monotonic=lambda: begin + guard.commands * BETWEEN))
    while guard_node.time.monotonic() < schedule.due:
        SafetyGuardNode._on_command(node, VelocityCommand())  # type: ignore[arg-type]
        assert schedule.due < begin + 2 * PERIOD
    assert guard.commands > 3
