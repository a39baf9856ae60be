"""What the agent makes of the guard's states."""

from async_rl_core.agent.command_gaps import GapMeter
from async_rl_interfaces.msg import GuardState
from rl_agent_node.guard_view import CLEARING, GuardView


def state(number: int, faults: int = 0, kind: str = "", silence: float = 0.0) -> GuardState:
    return GuardState(state=number, fault_count=[faults], last_kind=kind, last_silence=silence)


def test_guard_view_fault_that_is_over_is_noticed_by_its_count() -> None:
    view = GuardView()
    assert not view.hear(state(GuardState.ARMED, faults=3), 0.0)  # of before this agent
    assert not view.hear(state(GuardState.ARMED, faults=3), 1.0)
    assert view.hear(state(GuardState.ARMED, faults=4), 2.0)
    assert view.armed
    assert not view.fault_stands(100.0)


def test_guard_view_fault_stands_once_it_is_not_cleared_at_once() -> None:
    view = GuardView()
    view.hear(state(GuardState.FAULT), 0.0)
    view.hear(state(GuardState.FAULT), 1.0)
    assert not view.fault_stands(0.9 * CLEARING)
    assert view.fault_stands(1.1 * CLEARING)
    view.hear(state(GuardState.DISARMED), 3.0)
    assert not view.fault_stands(100.0)


def test_guard_view_silence_is_explained_once_by_the_longer_of_the_last_gaps() -> None:
    gaps, view = GapMeter(0.0, lambda: (0.0, 0.0), lambda: (0, 0)), GuardView()
    view.hear(state(GuardState.ARMED), 0.0)
    view.hear(state(GuardState.FAULT, 1, "agent_silent", 0.101), 1.0)
    gaps.sent(0.143, True)
    gaps.sent(0.183, True)
    assert view.explanation(gaps) == "the guard heard no command for 101 ms; the gap between commands here was 143 ms"
    assert view.explanation(gaps) == ""
    view.hear(state(GuardState.FAULT, 2, "robot_silent", 0.101), 1.0)
    assert view.explanation(gaps) == ""
