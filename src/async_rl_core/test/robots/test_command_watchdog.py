"""The watchdog of commands that have stopped coming."""

from async_rl_core.robots.command_watchdog import REPEAT, TIMEOUT, CommandWatchdog

PERIOD = 0.008


def commanded(velocities: list[float]) -> tuple[CommandWatchdog, float]:
    """One that has heard these, and when the last came."""
    watchdog = CommandWatchdog()
    for i, velocity in enumerate(velocities):
        watchdog.on_command(PERIOD * i, velocity != 0.0)
        assert not watchdog.must_stop(PERIOD * i + TIMEOUT / 2)
    return watchdog, PERIOD * (len(velocities) - 1)


def test_watchdog_before_any_command_requests_no_stop() -> None:
    assert not CommandWatchdog().must_stop(100.0)


def test_watchdog_of_a_moving_arm_requests_a_stop_until_confirmed() -> None:
    watchdog, last = commanded([0.0, 0.3])
    assert not watchdog.must_stop(last + TIMEOUT)
    begun = last + TIMEOUT + 0.001
    assert watchdog.must_stop(begun) and watchdog.moving
    assert not watchdog.must_stop(begun + REPEAT)
    assert watchdog.must_stop(begun + REPEAT + 0.001)
    watchdog.confirm_stop()
    assert not watchdog.moving and not watchdog.must_stop(begun + 10.0)
    watchdog.on_command(20.0, True)  # and again
    assert watchdog.must_stop(21.0)


def test_watchdog_of_an_arm_at_rest_requests_no_stop() -> None:
    watchdog, last = commanded([0.3, 0.0])
    assert not watchdog.moving and not watchdog.must_stop(last + 10.0)
