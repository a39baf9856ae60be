"""Faults and warnings, each once."""

from async_rl_core.monitoring.status_reporter import (
    ARMED,
    DISARMED,
    FAULT,
    SILENCE,
    STOPPING,
    WAITING_STEPS,
    StatusReporter,
)
from async_rl_core.run_folder.summary import TimingCounts


def test_guard_lines_of_a_fault_are_printed_once_with_its_cause() -> None:
    reporter = StatusReporter()
    assert reporter.on_guard(DISARMED, "", 0) == []
    assert reporter.on_guard(ARMED, "", 0) == ["the safety guard is armed: the arm may move"]
    assert reporter.on_guard(ARMED, "", 0) == []
    said = reporter.on_guard(FAULT, "no command for 0.1 s", 0)
    assert said == ["FAULT: the safety guard stopped the arm: no command for 0.1 s"]
    assert reporter.on_guard(FAULT, "no command for 0.1 s", 0) == []
    assert reporter.on_guard(FAULT, "joint state lost", 0) == [
        "FAULT: the safety guard stopped the arm: joint state lost"
    ]
    assert reporter.on_guard(STOPPING, "", 0) == ["the safety guard is bringing the arm to rest"]
    assert reporter.on_guard(DISARMED, "", 0) == ["the safety guard is disarmed: the arm holds still"]


def test_refused_commands_since_the_last_warning_are_counted() -> None:
    reporter = StatusReporter()
    reporter.on_guard(ARMED, "", 0)
    assert reporter.on_guard(ARMED, "", 1) == ["warning: the safety guard refused 1 command"]
    assert reporter.on_guard(ARMED, "", 4) == ["warning: the safety guard refused 3 commands"]
    assert reporter.on_guard(ARMED, "", 4) == []
    assert reporter.on_guard(ARMED, "", 0) == []  # a guard that was restarted


def test_learner_without_messages_is_reported_once() -> None:
    reporter = StatusReporter()
    assert reporter.check_learner(100.0) == []  # it has yet to speak
    assert reporter.on_learner(100.0) == []
    assert reporter.check_learner(100.0 + SILENCE - 0.1) == []
    (warning,) = reporter.check_learner(100.0 + SILENCE)
    assert "no message from the learner for 10 s" in warning
    assert reporter.check_learner(200.0) == [] and reporter.learner_silent
    assert reporter.on_learner(201.0) == ["the learner sends messages again"]
    assert not reporter.learner_silent


def test_timing_lines_of_missed_cycles_and_a_stuck_replay() -> None:
    reporter = StatusReporter()
    assert reporter.on_timing(TimingCounts(100)) == []
    said = reporter.on_timing(TimingCounts(125, missed_cycles=2))
    assert said == ["warning: 2 action cycles without a command; 2 of 125 so far"]
    assert reporter.on_timing(TimingCounts(150, missed_cycles=2)) == []
    stuck = TimingCounts(175, 2, steps_waiting=WAITING_STEPS)
    assert reporter.on_timing(stuck) == [f"warning: replay acknowledges no steps; {WAITING_STEPS} wait at the agent"]
    assert reporter.on_timing(stuck) == []
    assert reporter.on_timing(TimingCounts(200, 2)) == ["replay acknowledges steps again"]


def test_missed_cycles_known_before_are_not_reported() -> None:
    reporter = StatusReporter(missed=3)
    assert reporter.on_timing(TimingCounts(cycles=900, missed_cycles=3)) == []
    assert reporter.on_timing(TimingCounts(cycles=901, missed_cycles=4)) == [
        "warning: 1 action cycle without a command; 4 of 901 so far"
    ]
