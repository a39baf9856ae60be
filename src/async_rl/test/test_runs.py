"""The verb `runs`."""

from pathlib import Path

import pytest

from async_rl.command import main
from async_rl_core.config.load import resolve, write_config


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, seed in (("a", 1), ("b", 2)):
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        write_config(resolve("laptop", {"seed": seed}), folder / "config.yaml")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


def test_runs_lists_the_folder_of_runs(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (runs / "stray").write_text("")
    assert main(["runs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["run", "a", "b"]
    assert any("stray is not a folder" in line for line in lines)


def test_runs_compares_two(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(runs / "a"), str(runs / "b")]) == 0
    assert ["seed", "1", "2"] in [line.split() for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("nowhere",), "nowhere cannot be listed"),
        (("runs/a", "nowhere"), "nowhere is not a folder"),
        (("--all",), "runs takes folders only, not '--all'"),
    ],
)
def test_runs_wrong_argument_is_one_line(
    runs: Path, words: tuple[str, ...], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", *words]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and expected in error


def test_runs_without_any_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("no runs in ")
