"""The state machine: as documented, and as the guard lives it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from async_rl_core.safety.states import TRANSITIONS, GuardEvent, GuardMode
from testing.guard_bench import GuardBench

DOCUMENT = Path(__file__).parents[4] / "docs" / "safety.md"
ZERO, MOVING = [0.0] * 6, [0.2, 0.2, -0.2, 0.2, 0.2, 0.0]


def documented() -> dict[tuple[GuardMode, GuardEvent], GuardMode]:
    """The transition table of docs/safety.md."""
    rows = [line.split("|")[1:-1] for line in DOCUMENT.read_text().splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in row] for row in rows]
    header = next(i for i, row in enumerate(cells) if row[1:] == [event.value for event in GuardEvent])
    return {
        (GuardMode[row[0]], event): GuardMode[to]
        for row in cells[header + 2 : header + 2 + len(GuardMode)]
        for event, to in zip(GuardEvent, row[1:], strict=True)
        if to != "-"
    }


def test_transitions_match_the_documentation() -> None:
    assert documented() == TRANSITIONS


def test_transitions_of_every_state_include_fail_and_disarm() -> None:
    assert all(TRANSITIONS[state, GuardEvent.FAIL] is GuardMode.FAULT for state in GuardMode)
    assert all((state, GuardEvent.DISARM) in TRANSITIONS for state in GuardMode)


def test_transitions_leave_a_fault_only_by_reset_and_arm_only_by_arming() -> None:
    assert [
        event for event in GuardEvent if TRANSITIONS.get((GuardMode.FAULT, event), GuardMode.FAULT) != GuardMode.FAULT
    ] == [GuardEvent.RESET]
    assert [pair for pair, to in TRANSITIONS.items() if to is GuardMode.ARMED] == [(GuardMode.DISARMED, GuardEvent.ARM)]


def bring_to(state: GuardMode, arm: GuardBench) -> None:
    """Into a state by what leads there; the arm then moves, except in DISARMED, and except for a reset of a fault."""
    arm.cycles(60, command=ZERO)
    if state is GuardMode.DISARMED:
        return
    assert arm.guard.arm(arm.time)[0]
    arm.cycles(50, command=MOVING)
    if state is GuardMode.STOPPING:
        arm.guard.disarm(arm.time)
    elif state is GuardMode.FAULT:
        arm.guard.fail(arm.time, "a test")


def happen(event: GuardEvent, arm: GuardBench) -> None:
    """Causes the event through the guard's public methods."""
    guard = arm.guard
    if event is GuardEvent.ARM:
        guard.arm(arm.time)
    elif event is GuardEvent.DISARM:
        guard.disarm(arm.time)
    elif event is GuardEvent.FAIL:
        guard.fail(arm.time, "another test")
    elif event is GuardEvent.RESET:
        arm.cycles(20 if guard.state is GuardMode.FAULT else 0, command=ZERO)  # only with the arm at rest
        guard.reset_fault(arm.time)
    else:
        arm.cycles(60, command=ZERO)
        assert guard.at_rest


@pytest.mark.parametrize("event", GuardEvent)
@pytest.mark.parametrize("state", GuardMode)
def test_guard_follows_the_transitions(bench: Callable[..., GuardBench], state: GuardMode, event: GuardEvent) -> None:
    arm = bench(auto_arm=False)
    bring_to(state, arm)
    assert arm.guard.state is state
    happen(event, arm)
    assert arm.guard.state is TRANSITIONS.get((state, event), state)
    for _ in range(60):  # and nothing but ARMED ever moves an arm at rest
        arm.cycles(1, command=MOVING if arm.guard.state is not GuardMode.ARMED else ZERO)
        arm.check_command()
        if arm.guard.state is not GuardMode.ARMED:
            assert abs(arm.velocity).max() <= abs(arm.previous).max()
