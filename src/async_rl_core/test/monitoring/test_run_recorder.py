"""The run folder as it fills."""

import json
import shutil
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from async_rl_core.config.load import resolve
from async_rl_core.monitoring.background_worker import BackgroundWorker
from async_rl_core.monitoring.run_recorder import RunRecorder
from async_rl_core.run_folder.episodes import EpisodeRow, RecordError, read_episodes
from async_rl_core.run_folder.summary import Distribution, TimingCounts

CONFIG = resolve("laptop")
PERIOD = CONFIG.logging.curve_period


def row(episode: int, wall_time: float) -> EpisodeRow:
    return EpisodeRow(episode, wall_time, 100 * episode, 0, 1.0, 2.0, 0.5, 0)


def finish(worker: BackgroundWorker) -> None:
    """Wait until the worker has nothing left to do, but for the job that tells us so."""
    done = threading.Event()
    worker.submit("telling", done.set)
    assert done.wait(30.0)
    while not worker.idle:
        pass


def figures(folder: Path) -> dict[str, object]:
    result: dict[str, object] = json.loads((folder / "summary.json").read_text())
    return result


def test_run_recorder_close_leaves_every_record(tmp_path: Path) -> None:
    worker = BackgroundWorker()
    journal = RunRecorder(CONFIG, tmp_path, worker, now=1000.0)
    journal.add(row(1, journal.wall_time(1007.0)), random=True)
    journal.count(TimingCounts(cycles=250))
    assert read_episodes(tmp_path / "episodes.csv") == [row(1, 7.0)]
    journal.close(1010.0)
    assert worker.close(30.0) == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["episodes.csv", "learning_curve.png", "summary.json"]
    assert figures(tmp_path)["wall_time_s"] == 10.0
    assert figures(tmp_path)["cycles"] == 250


def test_run_recorder_redraws_once_per_period(tmp_path: Path) -> None:
    worker = BackgroundWorker()
    journal = RunRecorder(CONFIG, tmp_path, worker, now=0.0)
    journal.add(row(1, 7.0), random=True)
    finish(worker)
    journal.refresh(PERIOD - 1)
    finish(worker)
    assert not (tmp_path / "summary.json").exists()
    journal.refresh(PERIOD)
    journal.refresh(PERIOD + 1)
    finish(worker)
    assert worker.failures() == []
    assert figures(tmp_path)["wall_time_s"] == PERIOD
    assert (tmp_path / "learning_curve.png").exists()
    journal.close(PERIOD + 2)
    worker.close(30.0)


def test_run_recorder_restarted_continues(tmp_path: Path) -> None:
    worker = BackgroundWorker()
    first = RunRecorder(CONFIG, tmp_path, worker, now=0.0)
    first.add(row(1, 7.0), random=True)
    first.close(8.0)
    second = RunRecorder(CONFIG, tmp_path, worker, now=5000.0)
    assert second.knows(1)
    assert not second.knows(2)
    assert second.wall_time(5007.0) == 14.0
    assert second.elapsed(5007.0) == 7.0
    second.add(row(2, 14.0), random=True)
    second.close(5007.0)
    assert worker.close(30.0) == []
    assert [r.episode for r in read_episodes(tmp_path / "episodes.csv")] == [1, 2]
    assert figures(tmp_path)["random_episodes"] == 2


def test_run_recorder_without_episodes_writes_summary_and_empty_curve(tmp_path: Path) -> None:
    worker = BackgroundWorker()
    RunRecorder(CONFIG, tmp_path, worker, now=0.0).close(3.0)
    assert worker.close(30.0) == []
    assert figures(tmp_path)["episodes"] == 0
    assert (tmp_path / "learning_curve.png").exists()


def test_run_recorder_of_an_evaluation_draws_no_curve(tmp_path: Path) -> None:
    worker = BackgroundWorker()
    journal = RunRecorder(resolve("laptop", {"evaluation.checkpoint": "c.safetensors"}), tmp_path, worker, now=0.0)
    journal.add(row(1, 7.0), random=False)
    journal.count(TimingCounts(distributions=(Distribution("act", "ms", 1.0, 2.0, 3.0),)))
    assert journal.component_table(8.0) == []
    journal.close(8.0)
    assert worker.close(30.0) == []
    assert figures(tmp_path)["episodes"] == 1
    assert not (tmp_path / "learning_curve.png").exists()


def test_run_recorder_on_a_full_disk_keeps_its_rows(
    tmp_path: Path, full_disk: Callable[[], AbstractContextManager[None]]
) -> None:
    worker = BackgroundWorker()
    journal = RunRecorder(CONFIG, tmp_path, worker, now=0.0)
    journal.add(row(1, 7.0), random=True)
    finish(worker)
    assert journal.warnings() == []
    with full_disk():
        for episode in (2, 3):
            journal.add(row(episode, 7.0 * episode), random=True)
        journal.refresh(PERIOD)
        journal.refresh(PERIOD + 2)
        finish(worker)
        warned = journal.warnings()
        journal.refresh(PERIOD + 4)
        finish(worker)
        assert journal.warnings() == []  # once
    assert [line.split(":")[0] for line in warned] == ["warning", "warning"]
    assert "summary.json cannot be written: File too large; the run continues" in warned[0]
    assert "episodes.csv cannot be written: File too large; 2 rows wait for room" in warned[1]
    assert len(worker.failures()) == 1  # the curve, once
    journal.refresh(PERIOD + 6)
    assert len(journal.warnings()) == 2
    assert [r.episode for r in read_episodes(tmp_path / "episodes.csv")] == [1, 2, 3]
    assert figures(tmp_path)["episodes"] == 3
    journal.close(3 * PERIOD)
    assert worker.close(30.0) == []
    assert journal.warnings() == ["nothing was learned: no components.png is drawn"]


def test_run_recorder_starts_on_a_full_disk_and_recovers(
    tmp_path: Path, full_disk: Callable[[], AbstractContextManager[None]]
) -> None:
    worker = BackgroundWorker()
    with full_disk():
        journal = RunRecorder(CONFIG, tmp_path, worker, now=0.0)
        journal.add(row(1, 7.0), random=True)
        assert len(journal.warnings()) == 1
        finish(worker)
    journal.refresh(2.0)
    assert read_episodes(tmp_path / "episodes.csv") == [row(1, 7.0)]
    worker.close(30.0)


def test_run_recorder_rows_not_written_at_the_end_are_reported(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    worker = BackgroundWorker()
    journal = RunRecorder(CONFIG, folder, worker, now=0.0)
    worker.close(30.0)  # the first, empty curve
    shutil.rmtree(folder)
    journal.add(row(1, 7.0), random=True)
    journal.close(1.0)
    warned = journal.warnings()
    assert any("summary.json cannot be written: No such file or directory" in line for line in warned)
    assert any("1 rows wait for room" in line for line in warned)


def test_run_recorder_without_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"episodes\.csv: cannot be written"):
        RunRecorder(CONFIG, tmp_path / "missing", BackgroundWorker(), now=0.0)


def test_run_recorder_removes_temporary_files_of_a_killed_one(tmp_path: Path) -> None:
    left = [
        tmp_path / name
        for name in (".learning_curve.a8_x0c1d.png", ".components.abcdefgh.png", ".summary.12345678.json")
    ]
    others = [tmp_path / name for name in (".learning_curve.png", ".mine.abcdefgh.png", "learning_curve.abcdefgh.png")]
    for path in (*left, *others):
        path.touch()
    worker = BackgroundWorker()
    RunRecorder(CONFIG, tmp_path, worker, now=0.0)
    assert not [path for path in left if path.exists()]
    assert all(path.exists() for path in others)
    worker.close(30.0)


def test_run_recorder_numbers_an_agent_that_counts_again(tmp_path: Path) -> None:
    worker = BackgroundWorker()
    journal = RunRecorder(CONFIG, tmp_path, worker, now=0.0)
    assert journal.number(1, 100) == 1
    journal.add(row(1, 7.0), random=True)
    assert journal.number(1, 100) is None  # told again
    assert journal.number(1, 200) == 2  # another episode
    assert journal.number(2, 200) == 2
    worker.close(30.0)


def test_run_recorder_draws_components_once_something_was_learned(tmp_path: Path) -> None:
    worker = BackgroundWorker()
    journal = RunRecorder(CONFIG, tmp_path, worker, now=0.0)
    journal.learner_distributions((Distribution("update", "ms", 0.0, 0.0, 0.0),))
    journal.close(1.0)
    finish(worker)
    assert not (tmp_path / "components.png").exists()
    journal.learner_distributions((Distribution("update", "ms", 50.0, 60.0, 70.0, 55.0),))
    journal.close(1.0)
    assert worker.close(30.0) == []
    assert (tmp_path / "components.png").stat().st_size > 5_000
