from async_rl_core.agent.command_gaps import GapMeter
from async_rl_core.agent.liveness import (
    CLEARING_TIME,
    GUARD_TIMEOUT,
    TARGET_TIMEOUT,
    GuardLiveness,
    GuardReport,
    Liveness,
)
from async_rl_core.realtime.clock import VirtualClock


def armed(faults: int = 0) -> GuardReport:
    return GuardReport(armed=True, faulted=False, faults=faults)


def fault(faults: int = 0, silence: float = 0.0) -> GuardReport:
    return GuardReport(armed=False, faulted=True, faults=faults, silence=silence)


def test_guard_liveness_fault_that_was_cleared_is_noticed_by_its_count() -> None:
    clock = VirtualClock()
    guard = GuardLiveness(clock)
    assert not guard.hear(armed(faults=3))  # of before this agent
    assert not guard.hear(armed(faults=3))
    assert guard.hear(armed(faults=4))
    assert guard.armed
    clock.advance_to(100.0)
    assert not guard.fault_stands


def test_guard_liveness_fault_stands_once_it_is_not_cleared_at_once() -> None:
    clock = VirtualClock()
    guard = GuardLiveness(clock)
    guard.hear(fault())
    clock.advance_to(0.5 * CLEARING_TIME)
    guard.hear(fault())
    clock.advance_to(0.9 * CLEARING_TIME)
    assert not guard.fault_stands
    clock.advance_to(1.1 * CLEARING_TIME)
    assert guard.fault_stands
    guard.hear(GuardReport(armed=False, faulted=False, faults=0))
    clock.advance_to(100.0)
    assert not guard.fault_stands


def test_guard_liveness_silence_is_explained_once_by_the_longer_of_the_last_gaps() -> None:
    gaps, guard = GapMeter(0.0, lambda: (0.0, 0.0), lambda: (0, 0)), GuardLiveness(VirtualClock())
    guard.hear(armed())
    guard.hear(fault(1, silence=0.101))
    gaps.sent(0.143, True)
    gaps.sent(0.183, True)
    assert guard.explanation(gaps) == "the guard heard no command for 101 ms; the gap between commands here was 143 ms"
    assert guard.explanation(gaps) == ""
    guard.hear(fault(2))
    assert guard.explanation(gaps) == ""


def test_liveness_stale_report_of_the_guard_blocks_the_arm() -> None:
    clock = VirtualClock()
    liveness = Liveness(clock)
    assert liveness.blocked_by(None) == "the guard to be armed"
    liveness.guard.hear(armed())
    assert liveness.blocked_by(None) == ""
    clock.advance_to(GUARD_TIMEOUT)
    assert liveness.blocked_by(None) == "the guard to be armed"


def test_liveness_stale_or_other_target_blocks_a_running_episode() -> None:
    clock = VirtualClock()
    liveness = Liveness(clock)
    missing = "visual_target_node to show the target"
    liveness.guard.hear(armed())
    assert liveness.blocked_by(None) == ""
    assert liveness.blocked_by(3) == missing
    liveness.target.hear(3)
    assert liveness.blocked_by(3) == ""
    assert liveness.blocked_by(4) == missing
    clock.advance_to(TARGET_TIMEOUT)
    liveness.guard.hear(armed())
    assert liveness.blocked_by(3) == missing
