"""The paths of a run."""

from datetime import datetime
from pathlib import Path

import pytest

from async_rl_core.run_folder.run_folder import RUNS, RunFolder

NOW = datetime(2026, 1, 2, 3, 4, 5)
PROPERTIES = [name for name, value in vars(RunFolder).items() if isinstance(value, property)]


def test_run_folder_every_path_is_distinct_and_below_the_folder() -> None:
    folder = RunFolder(Path("/runs/a run"))
    paths = [getattr(folder, name) for name in PROPERTIES]
    assert len(set(paths)) == len(PROPERTIES) > 10
    assert all(path.is_relative_to(folder.path) for path in paths)
    assert folder.evaluation(NOW).config == Path("/runs/a run/evaluations/20260102-030405/config.yaml")


def test_new_folder_that_exists_gets_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for expected in ("20260102-030405-reaching-laptop", "20260102-030405-reaching-laptop-2"):
        folder = RunFolder.new("reaching-laptop", NOW)
        assert folder.path == RUNS / expected
        folder.path.mkdir(parents=True)
