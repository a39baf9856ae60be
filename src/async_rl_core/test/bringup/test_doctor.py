"""The table of findings, and what its exit code says."""

import io

import pytest

from async_rl_core.bringup import doctor
from async_rl_core.bringup.doctor import Check, examine
from async_rl_core.bringup.probe import Probe, Result, run_probe


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No probes, and a workspace."""
    monkeypatch.setattr(doctor, "run_probe", lambda probe: Result(probe is not Probe.REAL_TIME, "gl "))
    monkeypatch.setattr(doctor, "find_executable", lambda *_: None)


@pytest.mark.usefixtures("quick")
def test_advice_is_no_failure() -> None:
    out = io.StringIO()
    assert examine(out=out) == 0
    assert "SCHED_FIFO not permitted" in out.getvalue()
    assert "rtprio" in out.getvalue()
    assert out.getvalue().endswith("ready\n")


@pytest.mark.usefixtures("quick")
def test_what_is_missing_fails_with_what_to_do() -> None:
    out = io.StringIO()
    assert examine([lambda: Check("ROS 2", "missing", "no rclpy", "source setup.bash")], out) == 1
    assert "FAILED  ROS 2" in out.getvalue()
    assert "-> source setup.bash" in out.getvalue()
    assert "not ready: 1" in out.getvalue()


def test_probes_find_what_is_there_and_give_up() -> None:
    assert run_probe(Probe.TRANSPORT).works
    assert not run_probe(Probe.TORCH, timeout=0.0).works
