import json
import math
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.summary.writer import event_file_writer

from async_rl_core.algorithms.metrics import MetricsError, MetricsWriter


def test_both_files_say_the_same(tmp_path: Path) -> None:
    writer = MetricsWriter(tmp_path, clock=lambda: 1000.5)
    writer.write(25, 100, {"critic_loss": 0.25, "alpha": 0.1})
    writer.write(50, 200, {"critic_loss": 0.125, "alpha": 0.2})
    writer.close()
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert lines[0] == {"time": 1000.5, "updates": 25, "env_steps": 100, "critic_loss": 0.25, "alpha": 0.1}
    assert lines[1]["updates"] == 50
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("learner/critic_loss")] == [(25, 0.25), (50, 0.125)]
    assert math.isclose(events.Scalars("learner/alpha")[1].value, 0.2, rel_tol=1e-6)


def test_a_line_is_in_the_file_at_once(tmp_path: Path) -> None:
    writer = MetricsWriter(tmp_path)
    writer.write(1, 1, {"alpha": 0.1})
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 1
    writer.close()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(MetricsError, match=r"run: .*set run_dir"):
        MetricsWriter(tmp_path / "run")


def test_a_learner_that_goes_on_from_an_older_checkpoint_does_its_updates_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The files of one second and one process are read in the order of their numbers as text, 10 before 9.
    monkeypatch.setattr(event_file_writer, "_global_uid", event_file_writer.AtomicCounter(0))
    writer = MetricsWriter(tmp_path)
    for updates in (25, 50, 75):
        writer.write(updates, 100, {"alpha": 0.5})
    writer.close()
    path = tmp_path / "metrics.jsonl"
    path.write_text(path.read_text() + '{"time": 3, "upd')  # cut off by a crash
    writer = MetricsWriter(tmp_path, updates=60)
    writer.write(75, 130, {"alpha": 0.25})
    writer.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["updates"], line["alpha"]) for line in lines] == [(25, 0.5), (50, 0.5), (75, 0.25)]
    events = EventAccumulator(str(tmp_path / "tensorboard"), purge_orphaned_data=True)
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("learner/alpha")] == [(25, 0.5), (50, 0.5), (75, 0.25)]


def test_a_full_disk_ends_the_record_and_nothing_else(tmp_path: Path) -> None:
    writer = MetricsWriter(tmp_path)
    writer._lines.close()
    with Path("/dev/full").open("w", buffering=1) as full:
        writer._lines = full
        writer.write(25, 100, {"alpha": 0.5})
        assert "cannot be written: No space left on device" in writer.failed
        writer.write(50, 100, {"alpha": 0.5})
        writer.close()
