"""The table of findings, and what its exit code says."""

import io
import os
import stat
from pathlib import Path

import pytest

from async_rl_core.bringup.checks import computer, doctor
from async_rl_core.bringup.checks.doctor import disk, examine, run_folder
from async_rl_core.bringup.checks.finding import Finding, from_error
from async_rl_core.bringup.checks.probe import Probe, ProbeResult, run_code, run_probe
from async_rl_core.errors import ConfigError


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No probes, and a workspace."""
    for module in (doctor, computer):
        monkeypatch.setattr(module, "run_probe", lambda probe: ProbeResult(probe is not Probe.REAL_TIME, "gl "))
    monkeypatch.setattr(computer, "_LOAD_PERIOD", 0.05)
    monkeypatch.setattr(doctor, "find_executable", lambda *_: None)


@pytest.mark.usefixtures("quick")
def test_examine_with_advice_only_is_ready() -> None:
    out = io.StringIO()
    assert examine(out=out) == 0
    assert "SCHED_FIFO not permitted" in out.getvalue()
    assert "rtprio" in out.getvalue()
    assert out.getvalue().endswith("ready\n")
    for subject in ("environment", "load", "CPU frequency", "memory lock", "run folder", "disk"):
        assert f"  {subject} " in out.getvalue()


@pytest.mark.usefixtures("quick")
def test_examine_with_something_missing_fails_with_what_to_do() -> None:
    out = io.StringIO()
    assert examine([lambda: Finding("ROS 2", "missing", "no rclpy", "source setup.bash")], out) == 1
    assert "FAILED  ROS 2" in out.getvalue()
    assert "-> source setup.bash" in out.getvalue()
    assert "not ready: 1" in out.getvalue()


@pytest.mark.usefixtures("quick")
def test_examine_goes_on_after_a_check_that_fails() -> None:
    def broken_check() -> Finding:
        raise RuntimeError("first line\nsecond line")

    out = io.StringIO()
    assert examine([broken_check], out) == 1
    assert "FAILED  broken check    RuntimeError: first line second line\n" in out.getvalue()
    assert "disk" in out.getvalue()


@pytest.mark.usefixtures("quick")
def test_examine_names_the_variable_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RMW_IMPLEMENTATION", "rmw_cyclonedds_cpp")
    out = io.StringIO()
    assert examine(out=out) == 1
    assert (
        "FAILED  environment     RMW_IMPLEMENTATION is 'rmw_cyclonedds_cpp', which is not installed" in out.getvalue()
    )
    assert "-> unset it (unset RMW_IMPLEMENTATION)" in out.getvalue()


def test_probe_of_what_is_there_works_and_gives_up_in_time() -> None:
    assert run_probe(Probe.TRANSPORT).works
    assert not run_probe(Probe.TORCH, timeout=0.0).works


@pytest.mark.parametrize(
    ("code", "finding"),
    [
        ("import os; os.abort()", "ended by SIGABRT"),
        ("import os; os._exit(102)", "ended with exit code 102"),
        ("raise RuntimeError('no luck')", "RuntimeError: no luck"),
    ],
)
def test_probe_that_crashes_is_a_finding(code: str, finding: str) -> None:
    found = run_code(code)
    assert not found.works
    assert found.text == finding


def test_error_is_split_into_finding_and_remedy() -> None:
    check = from_error("ROS domain", "missing", ConfigError("domain 3 is taken; stop that run"))
    assert (check.finding, check.remedy) == ("domain 3 is taken", "stop that run")
    assert from_error("x", "missing", ConfigError("no remedy")).finding == "no remedy"


def test_run_folder_that_can_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_folder().state == "fine"
    assert not any(tmp_path.iterdir())
    assert disk().state in ("fine", "could be better")


@pytest.mark.parametrize("runs", [False, True])
def test_run_folder_that_cannot_be_written_names_run_dir(
    runs: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    locked = tmp_path / "runs" if runs else tmp_path
    locked.mkdir(exist_ok=True)
    if os.geteuid() == 0:  # root may write everywhere but where there is no folder
        monkeypatch.setattr(doctor, "RUNS", Path("/proc/self"))
    locked.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        check = run_folder()
    finally:
        locked.chmod(stat.S_IRWXU)
    assert check.state == "missing"
    assert "run_dir:=<folder>" in check.remedy
