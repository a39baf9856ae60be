"""summary.json."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from async_rl_core.config.load import resolve
from async_rl_core.run_folder.episodes import EpisodeRow
from async_rl_core.run_folder.run_folder import RunFolder
from async_rl_core.run_folder.summary import Distribution, Summary, TimingCounts, read, write

CONFIG = resolve("laptop", {"seed": 3})


def row(episode: int, target_term: float) -> EpisodeRow:
    return EpisodeRow(episode, 7.0 * episode, 100 * episode, 50 * episode, target_term - 1, target_term, 0.5, 1)


def test_figures_of_a_run() -> None:
    summary = Summary(CONFIG)
    for episode in range(1, 31):
        summary.add(row(episode, 0.5 if episode <= 10 else float(episode)), random=episode <= 10)
    latency = Distribution("command_latency", "ms", 3.25, 5.5, 40.0)
    summary.timing = TimingCounts(5000, 4, 2, 3000, 1, (latency,))
    figures = summary.document(wall_time=215.0)
    assert figures["seed"] == 3
    assert figures["task"] == "reaching"
    assert figures["preset"] == "laptop"
    assert (figures["episodes"], figures["random_episodes"]) == (30, 10)
    assert (figures["env_steps"], figures["updates"]) == (3000, 1500)
    assert figures["target_term_random"] == 0.5
    assert figures["target_term_last_10"] == 25.5
    assert figures["target_term_ratio"] == 51.0
    assert (figures["missed_cycles"], figures["wall_time_s"]) == (4, 215.0)
    assert (figures["command_latency_p50_ms"], figures["command_latency_p99_ms"]) == (3.25, 5.5)


def test_summary_without_data_has_nulls(tmp_path: Path) -> None:
    write(tmp_path / "summary.json", Summary(CONFIG).document(0.0))
    figures = json.loads((tmp_path / "summary.json").read_text())
    assert figures["episodes"] == 0
    assert figures["target_term_random"] is figures["target_term_ratio"] is None
    assert [p.name for p in tmp_path.iterdir()] == ["summary.json"]


@pytest.mark.parametrize("random", [0.0, -0.4])
def test_summary_random_target_term_not_positive_gives_no_ratio(random: float) -> None:
    """A distance counts below zero: its ratio would say the opposite."""
    summary = Summary(CONFIG)
    summary.add(row(1, random), random=True)
    summary.add(row(2, 3.0), random=False)
    assert summary.document(1.0)["target_term_ratio"] is None


def test_a_restarted_monitor_knows_the_random_episodes() -> None:
    rows = [row(episode, 1.0 if episode <= 10 else 9.0) for episode in range(1, 21)]
    summary = Summary(CONFIG, rows)
    assert summary.document(1.0)["random_episodes"] == CONFIG.agent.initial_steps // 100
    assert summary.random_target_term == 1.0


@settings(max_examples=30)
@given(terms=st.lists(st.tuples(st.floats(allow_nan=True, allow_infinity=True), st.booleans()), max_size=15))
def test_it_is_always_valid_json(tmp_path_factory: pytest.TempPathFactory, terms: list[tuple[float, bool]]) -> None:
    summary = Summary(CONFIG)
    for episode, (term, random) in enumerate(terms):
        summary.add(row(episode, term), random)
    path = tmp_path_factory.mktemp("run") / "summary.json"
    write(path, summary.document(1.0))
    assert json.loads(path.read_text(), parse_constant=pytest.fail)["episodes"] == len(terms)


def test_read_summary_returns_what_was_written_or_nothing(tmp_path: Path) -> None:
    assert read(tmp_path) == {}
    write(RunFolder(tmp_path).summary, {"episodes": 3})
    assert read(tmp_path) == {"episodes": 3}
    for text in ("{", "[]", ""):
        RunFolder(tmp_path).summary.write_text(text)
        assert read(tmp_path) == {}
