"""The reasons for which the arm rests while the run is suspended, and how its rest is confirmed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from async_rl_core.bringup.process.link import AT_REST, PAUSE, RESUME, NodeLink, SupervisorLink
from async_rl_ros.node import StopSignal
from safety_guard_node.suspension import SPREAD, Suspension

ZEROS = 3


class Signals:
    """Stands for `StopSignal`, whose handlers would be those of this process."""

    requested = suspended = False


@pytest.fixture
def stop() -> StopSignal:
    return Signals()  # type: ignore[return-value]


@pytest.fixture
def links() -> Iterator[tuple[NodeLink, SupervisorLink]]:
    ours = NodeLink()
    yield ours, SupervisorLink(os.dup(ours.inlet))
    ours.close_inlet()
    ours.close()


def test_suspension_by_order_confirms_the_rest_once(
    links: tuple[NodeLink, SupervisorLink], stop: StopSignal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASYNC_RL_SUPERVISED", str(os.getpid()))
    link, theirs = links
    suspension = Suspension(theirs, ZEROS)
    assert not suspension.is_requested(0.0, stop)
    for _ in range(2):  # a second suspension is confirmed too
        link.order(PAUSE)
        assert suspension.is_requested(0.0, stop)
        for at_rest in (True, True, False, True, True):
            suspension.cycle(at_rest)
        assert link.reports() == []
        for _ in range(5):
            suspension.cycle(True)
        assert link.reports() == [AT_REST]
        link.order(RESUME)
        assert not suspension.is_requested(0.0, stop)


def test_suspension_by_a_stopped_supervisor_ends_when_it_continues(
    links: tuple[NodeLink, SupervisorLink], stop: StopSignal, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    monkeypatch.setenv("ASYNC_RL_SUPERVISED", str(supervisor.pid))
    suspension = Suspension(links[1], ZEROS)

    def becomes(wanted: bool) -> bool:
        deadline = time.monotonic() + 30.0
        while time.monotonic() < deadline:
            suspension.check_supervisor()
            if suspension.is_requested(0.0, stop) is wanted:
                return True
        return False

    try:
        assert becomes(False)
        supervisor.send_signal(signal.SIGSTOP)
        assert becomes(True)
        supervisor.send_signal(signal.SIGCONT)
        assert becomes(False)
    finally:
        supervisor.kill()
        supervisor.wait()
    suspension.check_supervisor()
    assert not suspension.is_requested(0.0, stop)


def test_suspension_by_sigtstp_lasts_until_the_supervisor_can_stop(
    links: tuple[NodeLink, SupervisorLink], stop: StopSignal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASYNC_RL_SUPERVISED", str(os.getpid()))
    suspension = Suspension(links[1], ZEROS)
    stop.suspended = True
    assert suspension.is_requested(10.0, stop)
    assert not stop.suspended
    assert suspension.is_requested(10.0 + 0.9 * SPREAD, stop)
    assert not suspension.is_requested(10.1 + SPREAD, stop)


@pytest.mark.parametrize("descriptor", ["", "nonsense", "0"])
def test_suspension_without_a_supervisor_receives_no_orders(
    descriptor: str, monkeypatch: pytest.MonkeyPatch, reset: Callable[[], SupervisorLink]
) -> None:
    monkeypatch.setenv("ASYNC_RL_LINK", descriptor)
    link = reset()
    link.report(AT_REST)
    assert link.orders() == []


@pytest.fixture
def reset() -> Iterator[Callable[[], SupervisorLink]]:
    from async_rl_core.bringup.process.link import supervisor

    supervisor.cache_clear()
    yield supervisor
    supervisor.cache_clear()
