"""The doctor's findings on cores, frequencies and rights."""

import os
import resource
from pathlib import Path

import pytest

from async_rl_core.bringup.checks import computer
from async_rl_core.bringup.checks.computer import cores, frequency, load, memory_lock


def measured(monkeypatch: pytest.MonkeyPatch, cores: int, busy: float) -> None:
    """A machine with so many cores, and so many of them busy."""
    ticks = iter((0.0, busy * computer._TICKS * computer._LOAD_PERIOD))
    times = iter(({"python (process 7)": 0}, {"python (process 7)": round(0.97 * computer._TICKS)}))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    monkeypatch.setattr(computer.time, "sleep", lambda _: None)
    monkeypatch.setattr(computer, "_busy_time", lambda: next(ticks))
    monkeypatch.setattr(computer, "_process_times", lambda: next(times))


@pytest.mark.parametrize(("cores", "busy"), [(2, 2.0), (2, 1.0), (1, 0.9), (4, 3.0)])
def test_load_of_busy_cores_is_a_note_that_names_the_process(
    cores: int, busy: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured(monkeypatch, cores, busy)
    check = load()
    assert check.state == "could be better"
    assert f"{busy:.1f} of {cores} cores busy" in check.finding
    assert "python (process 7) 97%" in check.remedy


@pytest.mark.parametrize(("cores", "busy"), [(2, 0.1), (1, 0.3), (8, 4.0)])
def test_load_with_idle_cores_is_fine(cores: int, busy: float, monkeypatch: pytest.MonkeyPatch) -> None:
    measured(monkeypatch, cores, busy)
    assert load().state == "fine"


def test_load_is_measured_on_this_machine() -> None:
    before = computer._busy_time()
    own = next(name for name in computer._process_times() if name.endswith(f"(process {os.getpid()})"))
    spent = computer._process_times()[own]
    while computer._process_times()[own] < spent + 10:
        pass  # 0.1 s of work
    assert computer._busy_time() >= before + 9


def core(folder: Path, governor: str, current: int, allowed: int, most: int) -> None:
    path = folder / "cpu0" / "cpufreq"
    path.mkdir(parents=True)
    texts = {"governor": governor, "cur_freq": str(current), "max_freq": str(allowed)}
    for name, text in texts.items():
        (path / f"scaling_{name}").write_text(f"{text}\n")
    (path / "cpuinfo_max_freq").write_text(f"{most}\n")


def test_frequency_at_its_most_is_fine(tmp_path: Path) -> None:
    core(tmp_path, "performance", 3_600_000, 3_600_000, 3_600_000)
    assert frequency(tmp_path).finding == "3.6 of 3.6 GHz, governor performance"
    assert frequency(tmp_path).state == "fine"


@pytest.mark.parametrize(("governor", "allowed"), [("powersave", 3_600_000), ("performance", 1_800_000)])
def test_frequency_that_is_scaled_down_is_a_note(governor: str, allowed: int, tmp_path: Path) -> None:
    core(tmp_path, governor, 800_000, allowed, 3_600_000)
    check = frequency(tmp_path)
    assert check.state == "could be better"
    assert check.finding == f"0.8 of 3.6 GHz, governor {governor}"
    assert "cpupower frequency-set --governor performance" in check.remedy


def test_frequency_that_is_not_visible_is_fine(tmp_path: Path) -> None:
    assert frequency(tmp_path).state == "fine"


def test_memory_lock_of_an_ordinary_user_names_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (8 * 2**20, 8 * 2**20))
    check = memory_lock()
    assert check.state == "could be better"
    assert check.finding == "8 MiB may be locked"
    assert "memlock unlimited" in check.remedy
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert memory_lock().state == "fine"


def test_cores_of_a_limited_container_are_counted_by_their_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert computer._quota(tmp_path / "cpu.max") == 0.5
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert computer._quota(tmp_path / "cpu.max") is None
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)))
    monkeypatch.setattr(computer, "_quota", lambda: 0.5)
    assert cores().state == "could be better"
    assert "limited to the time of 0.5" in cores().finding
