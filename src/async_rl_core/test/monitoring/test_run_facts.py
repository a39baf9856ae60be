"""Runs as their folders tell of them, be these whole, damaged or foreign."""

import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from async_rl_core.config.load import resolve, write_config
from async_rl_core.errors import ConfigError
from async_rl_core.monitoring.run_facts import read_run, runs_in
from async_rl_core.monitoring.run_table import comparison, printable, table
from async_rl_core.run_folder.episodes import HEADER
from async_rl_core.run_folder.lock import RunLock

FIGURES = {
    "episodes": 80, "updates": 13000, "env_steps": 8000, "wall_time_s": 560.0, "target_term_random": 0.84,
    "target_term_last_10": 15.4, "target_term_ratio": 18.3, "faults": 2,
}  # fmt: skip

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a run's folder."""

    def make_run(name: str, figures: dict[str, object] | None = None, **overrides: object) -> Path:
        folder = tmp_path / "runs" / name
        (folder / "checkpoints").mkdir(parents=True)
        changes = {key.replace("__", "."): value for key, value in overrides.items()}
        write_config(resolve("laptop", {**changes, "run_dir": folder}), folder / "config.yaml")
        if figures is not None:
            (folder / "summary.json").write_text(json.dumps(figures))
            line = "80,560.0,8000,13000,1500.0,15.4,1.0,0"
            (folder / "episodes.csv").write_text(f"{HEADER}\n{line}\n")
        return folder

    return make_run


def test_table_shows_state_and_figures(make: Make) -> None:
    make("one", FIGURES)
    [header, line] = table(runs_in(make("two", FIGURES, episodes=80).parent)[0][:1])
    assert " ".join(header.split()) == "run state task preset robot episodes updates last 10 random ratio faults"
    assert " ".join(line.split()) == "one resumable reaching laptop ur5 80 13000 15.40 0.84 18.3 2"


@pytest.mark.parametrize(
    ("figures", "overrides", "state"),
    [
        (FIGURES, {}, "resumable"),
        (FIGURES, {"episodes": 80}, "finished"),
        (FIGURES, {"episodes": 90}, "resumable"),
        (FIGURES, {"duration": 560.0}, "finished"),
        (FIGURES, {"evaluation__checkpoint": "x.safetensors", "agent__initial_steps": 0}, "evaluation"),
        (None, {}, "empty"),
    ],
)
def test_state_follows_from_limits_and_records(
    make: Make, figures: dict[str, object] | None, overrides: dict[str, object], state: str
) -> None:
    assert read_run(make("run", figures, **overrides)).state == state


def test_state_of_a_folder_with_a_policy_alone_is_policy(make: Make) -> None:
    folder = make("run")
    (folder / "checkpoints" / "updates_000000000007.safetensors").write_bytes(b"")
    assert read_run(folder).state == "policy"


def test_state_of_a_locked_run_is_running_and_the_lock_is_left_alone(make: Make) -> None:
    folder = make("run", FIGURES)
    lock = RunLock(folder)
    assert read_run(folder).state == "running"
    with pytest.raises(ConfigError, match="still going"):
        RunLock(folder)
    lock.close()
    assert read_run(folder).state == "resumable"


def test_figures_without_a_summary_come_from_the_episodes(make: Make) -> None:
    folder = make("run", FIGURES)
    (folder / "summary.json").unlink()
    run = read_run(folder)
    assert (run.number("episodes"), run.number("updates"), run.number("target_term_last_10")) == (1, 13000, 15.4)
    assert run.number("faults") is None and not run.damaged


@pytest.mark.parametrize("name", ["config.yaml", "summary.json", "episodes.csv"])
def test_damaged_file_is_named_and_the_rest_is_listed(make: Make, name: str) -> None:
    folder = make("run", FIGURES)
    content = (folder / name).read_bytes()
    generator = random.Random(3)
    damages = [b"", b"\0" * 100, b"[" * 100_000, b"\xff\xfe", content[: len(content) // 2], b"a: &a [*a, *a]\n", b"7"]
    for _ in range(10):
        flipped = bytearray(content)
        flipped[generator.randrange(len(flipped))] ^= 1 << generator.randrange(8)
        damages.append(bytes(flipped))
    for damage in damages:
        (folder / name).write_bytes(damage)
        [run], others = runs_in(folder.parent)
        assert others == []
        assert all("\n" not in line for line in (*run.damaged, *table([run]), *comparison([run, run])))
    (folder / name).write_bytes(b"\0" * 100)
    assert any(name in line for line in read_run(folder).damaged)


@pytest.mark.parametrize("value", [None, True, "many", [1], {"a": 1}, 1e400, 10**400, -3])
def test_figure_of_an_unexpected_type_is_ignored(make: Make, value: object) -> None:
    folder = make("run", {**FIGURES, "episodes": value, "target_term_ratio": value, "wall_time_s": value}, duration=5.0)
    assert len(table([read_run(folder)])) == 2


def test_runs_in_foreign_entries_are_skipped_with_a_reason(make: Make, tmp_path: Path) -> None:
    folder = make("run", FIGURES).parent
    (folder / "notes.txt").write_text("mine")
    (folder / "empty").mkdir()
    (folder / "loop").symlink_to("loop")
    (folder / "fifo").mkdir()
    os.mkfifo(folder / "fifo" / "summary.json")
    runs, others = runs_in(folder)
    assert [run.folder.name for run in runs] == ["run"]
    assert len(others) == 4
    assert any("notes.txt is not a folder" in line for line in others)
    assert any("empty has no config.yaml" in line for line in others)


def test_large_config_is_not_read(make: Make) -> None:
    folder = make("run", FIGURES)
    (folder / "config.yaml").write_bytes(b"#" * (2**20 + 1))
    assert "no config.yaml of a run" in read_run(folder).damaged[0]


def test_folder_that_cannot_be_listed_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere cannot be listed: No such file"):
        runs_in(tmp_path / "nowhere")


def test_comparison_shows_keys_that_differ_and_figures(make: Make) -> None:
    first = make("first", FIGURES)
    second = make("second", {**FIGURES, "target_term_ratio": 2.5}, seed=3, learning__batch_size=32)
    lines = [line.split() for line in comparison([read_run(first), read_run(second)])]
    assert lines[0] == ["configuration", "first", "second"]
    assert lines[1:3] == [["learning.batch_size", "64", "32"], ["seed", "1", "3"]]
    assert ["target_term_ratio", "18.3", "2.5"] in lines
    assert not any("run_dir" in line for line in lines)


def test_text_for_the_terminal_has_no_control_characters() -> None:
    assert printable("a\x1b[31mb\nc") == "a?[31mb?c"
