"""Faults of the guard as a person reads them, and as summary.json counts them."""

from dataclasses import replace

from async_rl_core.config.load import resolve
from async_rl_core.monitoring.faults import CLEARING, FAULT, QUIET, REMINDER, FaultReport, FaultWatch
from async_rl_core.monitoring.remedy import remedy

ARMED, DISARMED = 1, 0
CALM = FaultReport(ARMED, started=17, clears=True)
HICCUP = replace(
    CALM,
    state=FAULT,
    counts={"agent_silent": 1},
    longest_silence=0.101,
    kind="agent_silent",
    cause="agent silent for 101 ms, of which the whole machine halted for 60 ms",
    silence=0.101,
    made_of="the whole machine halted for 60 ms",
)
CLEARED = replace(HICCUP, state=DISARMED, cleared=1)
SERIOUS = replace(CALM, state=FAULT, counts={"command": 1}, kind="command", cause="command 9 has nan rad/s for elbow")


def test_fault_watch_cleared_fault_is_one_line_about_the_computer() -> None:
    watch = FaultWatch({}, "")
    assert watch.update(CALM, 0.0, 12) == []
    assert watch.update(HICCUP, 1.0, 12) == []
    assert watch.is_explained(1.0)
    assert watch.update(CLEARED, 1.3, 12) == [
        "the computer was busy: no command for 101 ms (the whole machine halted for 60 ms); the arm stopped, "
        "episode 12 is left out, learning goes on (fault 1 of this run)"
    ]
    assert watch.is_explained(1.4)
    assert watch.update(replace(CLEARED, state=ARMED), 1.8, 12) == []
    assert not watch.is_explained(1.4 + QUIET)
    assert watch.reminders(100.0, "") == []


def test_fault_watch_cleared_fault_is_reported_though_only_its_end_was_received() -> None:
    watch = FaultWatch({}, "")
    watch.update(CALM, 0.0, 3)
    [line] = watch.update(replace(CLEARED, state=ARMED), 5.0, 3)
    assert line.endswith("(fault 1 of this run)")


def test_fault_watch_latched_fault_is_repeated_with_what_to_type() -> None:
    watch = FaultWatch({}, "async_rl reset-fault")
    watch.update(SERIOUS, 5.0, 4)
    assert not watch.is_explained(5.0)
    assert watch.reminders(5.0 + 0.9 * REMINDER, "") == []
    for count in (1, 2):
        now = 5.0 + count * REMINDER
        [line] = watch.reminders(now, "  [####----]  50%")
        assert f"nothing is learned for {10 * count} s" in line
        assert SERIOUS.cause in line
        assert line.endswith("type in another terminal: async_rl reset-fault  [####----]  50%")
        assert watch.reminders(now + 1.0, "") == []
    watch.update(replace(SERIOUS, state=DISARMED), 30.0, 4)
    assert watch.reminders(100.0, "") == []


def test_fault_watch_timing_fault_that_cannot_be_cleared_is_repeated_too() -> None:
    watch = FaultWatch({}, "")
    watch.update(HICCUP, 5.0, 4)
    assert not watch.is_explained(5.0 + CLEARING)
    [line] = watch.reminders(5.0 + REMINDER, "")
    assert "continues by itself once" in line


def test_fault_watch_figures_count_by_kind_over_restarts_and_resumes() -> None:
    first = FaultWatch({}, "")
    first.update(HICCUP, 0.0, 1)
    figures = first.figures()
    assert (figures["faults"], figures["faults_agent_silent"], figures["faults_command"]) == (1, 1, 0)
    assert (figures["longest_silence_ms"], figures["fault_at_the_end"]) == (101.0, HICCUP.cause)
    restarted = FaultWatch(figures, "")
    assert restarted.figures()["faults"] == 1
    restarted.update(CLEARED, 0.0, 1)
    assert (restarted.figures()["faults"], restarted.figures()["faults_cleared"]) == (1, 1)
    resumed = FaultWatch(restarted.figures(), "")
    resumed.update(replace(SERIOUS, started=99), 0.0, 1)
    figures = resumed.figures()
    assert (figures["faults"], figures["faults_agent_silent"], figures["faults_command"]) == (2, 1, 1)
    assert (figures["faults_cleared"], figures["longest_silence_ms"]) == (1, 101.0)


def test_fault_watch_damaged_figures_count_as_none() -> None:
    damaged = {"faults_agent_silent": "three", "faults_command": -1, "longest_silence_ms": None, "faults_cleared": True}
    watch = FaultWatch(damaged, "")
    assert watch.figures()["faults"] == 0
    assert watch.figures()["longest_silence_ms"] == 0.0


def test_remedy_names_what_works_in_another_terminal() -> None:
    config = resolve("laptop", {})
    assert remedy(config, {}) == "async_rl reset-fault"
    ambient = {"ROS_DOMAIN_ID": "40", "ASYNC_RL_ROOT": "/home/me/my arm"}
    assert remedy(config, ambient) == "ROS_DOMAIN_ID=40 '/home/me/my arm/tools/run.sh' async_rl reset-fault"
    real = resolve("laptop", {"hardware": "real", "robot_ip": "192.0.2.1", "guard.auto_arm": False})
    assert remedy(real, {}) == (
        "ros2 control switch_controllers --activate forward_velocity_controller && async_rl reset-fault && async_rl arm"
    )
