"""Seq-SAC's action cycle and the watchdog that goes with it."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_rl_core.bringup.cycle import CYCLE, LONGEST, measure_here, rounded_up, settle
from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.errors import ConfigError

RATES = st.sampled_from([5.0, 12.5, 15.0, 24.0, 25.0, 29.97, 30.0, 50.0, 60.0, 100.0, 125.0, 500.0, 1000.0])
SEQ = {"architecture": "seq"}
CONFIG = resolve("laptop", SEQ)


def is_whole(value: float) -> bool:
    return value == pytest.approx(round(value), rel=1e-9)


@given(seconds=st.floats(0.001, 2.0), camera=RATES, state=RATES)
def test_the_cycle_is_the_shortest_that_fits_camera_and_arm(seconds: float, camera: float, state: float) -> None:
    cycle = rounded_up(seconds, camera, state)
    assert cycle >= seconds * (1 - 1e-12)
    assert is_whole(cycle * camera)
    assert is_whole(cycle * state)
    shorter = rounded_up(1e-9, camera, state)  # one step of the grid
    assert cycle == pytest.approx(shorter) or cycle - shorter < seconds * (1 + 1e-12)


@pytest.mark.parametrize(
    ("milliseconds", "cycle"), [(1, 0.04), (39, 0.04), (40.5, 0.08), (52, 0.08), (118, 0.12), (161, 0.2)]
)
def test_the_papers_cycles(milliseconds: float, cycle: float) -> None:
    """At 25 Hz and 125 Hz their totals of 52, 118 and 161 ms make 80, 120 and 200 ms (Yuan, 2022, table 5.2)."""
    assert rounded_up(1e-3 * milliseconds, 25.0, 125.0) == cycle


class Bench:
    """Costs so many seconds, and notes what is asked and said."""

    def __init__(self, total: float) -> None:
        self.total = total
        self.asked: list[Config] = []
        self.said: list[str] = []

    def __call__(self, config: Config) -> Mapping[str, float]:
        self.asked.append(config)
        return {"act": 0.001, "sample": 0.002, "update": self.total - 0.003, "total": self.total}

    def settle(self, overrides: Mapping[str, object], preset: str = "laptop") -> Config:
        return settle(lambda values: resolve(preset, values), overrides, self.said.append, self)


@pytest.mark.parametrize("overrides", [{}, {CYCLE: "auto"}])
def test_sequential_is_measured_and_the_watchdog_follows(overrides: dict[str, object]) -> None:
    bench = Bench(0.06)
    config = bench.settle(SEQ | overrides)
    assert config.agent.action_cycle_time == 0.08
    assert config.guard.watchdog == pytest.approx(0.12)
    assert bench.asked[0].architecture == "seq"
    assert any("guard.watchdog: 120 ms instead of 100 ms" in line for line in bench.said)
    assert any("action_cycle_time: 80 ms" in line for line in bench.said)


def test_a_short_cycle_leaves_the_watchdog_as_it_is() -> None:
    bench = Bench(0.01)
    assert bench.settle(SEQ).guard.watchdog == 0.1
    assert not any("watchdog" in line for line in bench.said)


def test_settle_given_cycle_is_reported_without_a_measurement() -> None:
    bench = Bench(0.06)
    config = bench.settle(SEQ | {CYCLE: 0.2})
    assert (config.agent.action_cycle_time, config.guard.watchdog, bench.asked) == (0.2, pytest.approx(0.3), [])
    assert "guard.watchdog: 300 ms instead of 100 ms" in bench.said[0]


def test_a_sequential_preset_keeps_its_cycle(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("architecture: seq\nagent: {action_cycle_time: 0.12}\nguard: {watchdog: 0.25}\n")
    bench = Bench(0.06)
    config = bench.settle({}, str(path))
    assert (config.agent.action_cycle_time, config.guard.watchdog) == (0.12, 0.25)
    assert bench.asked == bench.said == []
    assert bench.settle({CYCLE: "auto"}, str(path)).agent.action_cycle_time == 0.08


@pytest.mark.parametrize("architecture", ["async1", "async2"])
def test_asynchronous_takes_the_presets_cycle(architecture: str) -> None:
    bench = Bench(0.5)
    config = bench.settle({"architecture": architecture, CYCLE: "auto"})
    assert (config.agent.action_cycle_time, config.guard.watchdog) == (0.04, 0.1)
    assert bench.settle({"architecture": architecture, CYCLE: 0.08}).agent.action_cycle_time == 0.08
    assert bench.asked == bench.said == []
    with pytest.raises(ConfigError, match=r"guard\.watchdog"):
        bench.settle({"architecture": architecture, CYCLE: 0.12})


def test_settle_cycle_that_is_too_long_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"needs an action cycle of .* here .*; use async1 or async2"):
        Bench(LONGEST).settle(SEQ)


def test_settle_measures_in_a_process_like_the_agents() -> None:
    small = {"learning.batch_size": 4, "sac.hidden_sizes": [8], "sac.encoder_channels": 4, "camera.width": 64}
    cost = measure_here(resolve("laptop", SEQ | small | {"camera.height": 48}))
    assert set(cost) == {"act", "sample", "update", "total"}
    assert 0 < cost["act"] < cost["total"]
    assert cost["sample"] + cost["update"] < 3 * cost["total"]


def test_settle_failed_measurement_names_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", ["/nowhere"])
    with pytest.raises(ConfigError, match=r"cannot be measured \(.*async_rl_core.*\); give action_cycle_time"):
        measure_here(CONFIG)
