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


def test_a_fault_is_said_once_with_its_cause() -> None:
    announcer = StatusReporter()
    assert announcer.guard(DISARMED, "", 0) == []
    assert announcer.guard(ARMED, "", 0) == ["the safety guard is armed: the arm may move"]
    assert announcer.guard(ARMED, "", 0) == []
    said = announcer.guard(FAULT, "no command for 0.1 s", 0)
    assert said == ["FAULT: the safety guard stopped the arm: no command for 0.1 s"]
    assert announcer.guard(FAULT, "no command for 0.1 s", 0) == []
    assert announcer.guard(FAULT, "joint state lost", 0) == [
        "FAULT: the safety guard stopped the arm: joint state lost"
    ]
    assert announcer.guard(STOPPING, "", 0) == ["the safety guard is bringing the arm to rest"]
    assert announcer.guard(DISARMED, "", 0) == ["the safety guard is disarmed: the arm holds still"]


def test_refused_commands_are_counted_from_the_last_warning() -> None:
    announcer = StatusReporter()
    announcer.guard(ARMED, "", 0)
    assert announcer.guard(ARMED, "", 1) == ["warning: the safety guard refused 1 command"]
    assert announcer.guard(ARMED, "", 4) == ["warning: the safety guard refused 3 commands"]
    assert announcer.guard(ARMED, "", 4) == []
    assert announcer.guard(ARMED, "", 0) == []  # a guard that was restarted


def test_a_learner_that_falls_silent() -> None:
    announcer = StatusReporter()
    assert announcer.silence(100.0) == []  # it has yet to speak
    assert announcer.learner(100.0) == []
    assert announcer.silence(100.0 + SILENCE - 0.1) == []
    (warning,) = announcer.silence(100.0 + SILENCE)
    assert "the learner has said nothing for 10 s" in warning
    assert announcer.silence(200.0) == [] and announcer.learner_silent
    assert announcer.learner(201.0) == ["the learner speaks again"]
    assert not announcer.learner_silent


def test_missed_cycles_and_a_stuck_replay() -> None:
    announcer = StatusReporter()
    assert announcer.timing(TimingCounts(100)) == []
    said = announcer.timing(TimingCounts(125, missed_cycles=2))
    assert said == ["warning: 2 action cycles went by without a command; 2 of 125 so far"]
    assert announcer.timing(TimingCounts(150, missed_cycles=2)) == []
    stuck = TimingCounts(175, 2, steps_waiting=WAITING_STEPS)
    assert announcer.timing(stuck) == [f"warning: replay takes no steps; the agent holds {WAITING_STEPS} of them back"]
    assert announcer.timing(stuck) == []
    assert announcer.timing(TimingCounts(200, 2)) == ["replay takes steps again"]


def test_missed_cycles_that_are_known_are_not_told_again() -> None:
    announcer = StatusReporter(missed=3)
    assert announcer.timing(TimingCounts(cycles=900, missed_cycles=3)) == []
    assert announcer.timing(TimingCounts(cycles=901, missed_cycles=4)) == [
        "warning: 1 action cycle went by without a command; 4 of 901 so far"
    ]
