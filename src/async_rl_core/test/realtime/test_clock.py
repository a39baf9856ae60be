import pytest

from async_rl_core.realtime.clock import SteadyClock, VirtualClock


def test_virtual_clock_moves_only_forward() -> None:
    clock = VirtualClock(1.0)
    clock.advance_to(1.5)
    clock.advance_to(1.5)
    assert clock.now() == 1.5
    with pytest.raises(ValueError, match=r"a clock cannot go back from 1\.5 s to 1\.4 s"):
        clock.advance_to(1.4)


def test_steady_clock_never_goes_back() -> None:
    clock = SteadyClock()
    times = [clock.now() for _ in range(100)]
    assert times == sorted(times)
