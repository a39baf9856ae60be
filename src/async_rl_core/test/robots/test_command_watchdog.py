"""When a robot's commander counts as gone."""

from async_rl_core.robots.command_watchdog import AGAIN, TIMEOUT, CommandWatchdog

PERIOD = 0.008


def commanded(velocities: list[float]) -> tuple[CommandWatchdog, float]:
    """One that has heard these, and when the last came."""
    silence = CommandWatchdog()
    for i, velocity in enumerate(velocities):
        silence.on_command(PERIOD * i, velocity != 0.0)
        assert not silence.asks(PERIOD * i + TIMEOUT / 2)
    return silence, PERIOD * (len(velocities) - 1)


def test_nobody_is_missed_who_never_spoke() -> None:
    assert not CommandWatchdog().asks(100.0)


def test_an_arm_left_in_motion_is_asked_about_until_it_is_stopped() -> None:
    silence, last = commanded([0.0, 0.3])
    assert not silence.asks(last + TIMEOUT)
    begun = last + TIMEOUT + 0.001
    assert silence.asks(begun) and silence.moving
    assert not silence.asks(begun + AGAIN)
    assert silence.asks(begun + AGAIN + 0.001)
    silence.settle()
    assert not silence.moving and not silence.asks(begun + 10.0)
    silence.on_command(20.0, True)  # and again
    assert silence.asks(21.0)


def test_an_arm_told_to_rest_needs_nobody() -> None:
    silence, last = commanded([0.3, 0.0])
    assert not silence.moving and not silence.asks(last + 10.0)
