"""The run folder as it fills."""

import json
import shutil
import threading
from pathlib import Path

import pytest

from async_rl_core.config.load import resolve
from async_rl_core.monitor.episodes import EpisodeRow, RecordError, read_episodes
from async_rl_core.monitor.journal import Journal
from async_rl_core.monitor.summary import Distribution, TimingCounts
from async_rl_core.monitor.worker import Worker

CONFIG = resolve("laptop")
PERIOD = CONFIG.logging.curve_period


def row(episode: int, wall_time: float) -> EpisodeRow:
    return EpisodeRow(episode, wall_time, 100 * episode, 0, 1.0, 2.0, 0.5, 0)


def finish(worker: Worker) -> None:
    """Wait until the worker has nothing left to do, but for the job that tells us so."""
    done = threading.Event()
    worker.submit("telling", done.set)
    assert done.wait(30.0)
    while not worker.idle:
        pass


def figures(folder: Path) -> dict[str, object]:
    result: dict[str, object] = json.loads((folder / "summary.json").read_text())
    return result


def test_everything_is_there_at_the_end(tmp_path: Path) -> None:
    worker = Worker()
    journal = Journal(CONFIG, tmp_path, worker, now=1000.0)
    journal.add(row(1, journal.wall_time(1007.0)), random=True)
    journal.count(TimingCounts(cycles=250))
    assert read_episodes(tmp_path / "episodes.csv") == [row(1, 7.0)]
    journal.close(1010.0)
    assert worker.close(30.0) == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["episodes.csv", "learning_curve.png", "summary.json"]
    assert figures(tmp_path)["wall_time_s"] == 10.0
    assert figures(tmp_path)["cycles"] == 250


def test_redrawn_once_a_period(tmp_path: Path) -> None:
    worker = Worker()
    journal = Journal(CONFIG, tmp_path, worker, now=0.0)
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


def test_a_restarted_monitor_continues(tmp_path: Path) -> None:
    worker = Worker()
    first = Journal(CONFIG, tmp_path, worker, now=0.0)
    first.add(row(1, 7.0), random=True)
    first.close(8.0)
    second = Journal(CONFIG, tmp_path, worker, now=5000.0)
    assert second.knows(1)
    assert not second.knows(2)
    assert second.wall_time(5007.0) == 14.0
    assert second.elapsed(5007.0) == 7.0
    second.add(row(2, 14.0), random=True)
    second.close(5007.0)
    assert worker.close(30.0) == []
    assert [r.episode for r in read_episodes(tmp_path / "episodes.csv")] == [1, 2]
    assert figures(tmp_path)["random_episodes"] == 2


def test_a_run_without_episodes_has_a_summary_and_an_empty_curve(tmp_path: Path) -> None:
    worker = Worker()
    Journal(CONFIG, tmp_path, worker, now=0.0).close(3.0)
    assert worker.close(30.0) == []
    assert figures(tmp_path)["episodes"] == 0
    assert (tmp_path / "learning_curve.png").exists()


def test_an_evaluation_has_no_learning_curve(tmp_path: Path) -> None:
    worker = Worker()
    journal = Journal(resolve("laptop", {"evaluation.checkpoint": "c.safetensors"}), tmp_path, worker, now=0.0)
    journal.add(row(1, 7.0), random=False)
    journal.count(TimingCounts(distributions=(Distribution("act", "ms", 1.0, 2.0, 3.0),)))
    assert journal.component_table(8.0) == []
    journal.close(8.0)
    assert worker.close(30.0) == []
    assert figures(tmp_path)["episodes"] == 1
    assert not (tmp_path / "learning_curve.png").exists()


def test_a_folder_that_vanished_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    worker = Worker()
    journal = Journal(CONFIG, folder, worker, now=0.0)
    worker.close(30.0)  # the first, empty curve
    shutil.rmtree(folder)
    with pytest.raises(RecordError, match=r"summary\.json: cannot be written"):
        journal.close(1.0)
