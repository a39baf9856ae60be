import json
import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.summary.writer import event_file_writer

from async_rl_core.learning.metrics import MetricsError, MetricsWriter

FullDisk = Callable[[], AbstractContextManager[None]]


def test_metrics_writer_writes_the_same_to_both_files(tmp_path: Path) -> None:
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


def test_metrics_writer_writes_a_line_at_once(tmp_path: Path) -> None:
    writer = MetricsWriter(tmp_path)
    writer.write(1, 1, {"alpha": 0.1})
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 1
    writer.close()


def test_metrics_writer_of_an_unusable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(MetricsError, match=r"run: .*set run_dir"):
        MetricsWriter(tmp_path / "run")


def test_metrics_writer_resumed_from_an_older_checkpoint_removes_later_lines(
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


def test_metrics_full_disk_writes_all_lines_once_there_is_room(tmp_path: Path, full_disk: FullDisk) -> None:
    writer = MetricsWriter(tmp_path, clock=lambda: 1.0)
    writer.write(25, 100, {"alpha": 0.5})
    with full_disk():
        writer.write(50, 100, {"alpha": 0.25})
        assert "metrics.jsonl cannot be written: File too large; the run goes on" in writer.failed
        writer.write(75, 100, {"alpha": 0.125})
        writer.close()
    writer.write(100, 100, {"alpha": 0.0})
    assert writer.failed == ""
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [(line["updates"], line["alpha"]) for line in lines] == [(25, 0.5), (50, 0.25), (75, 0.125), (100, 0.0)]
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [e.step for e in events.Scalars("learner/alpha")] == [25, 50, 75, 100]


def test_metrics_writer_starts_on_a_full_disk_and_recovers(tmp_path: Path, full_disk: FullDisk) -> None:
    with full_disk():
        writer = MetricsWriter(tmp_path)
        assert "File too large" in writer.failed
    writer.write(25, 100, {"alpha": 0.5})
    assert writer.failed == ""
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 1


WHOLE = b'{"time": 1.0, "updates": 25}\n'


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"\0" * 40 + b"\n", "empty"),
        (b"\n", "empty"),
        (WHOLE[:-1] + WHOLE, "not JSON"),
        (b'{"time": 1.0, "updates": 2\xc3\n', "not JSON"),
        (b"[" * 10_000 + b"\n", "not JSON"),
        (b'{"time": 1.0, "upd' + b"0" * 100_000 + b"\n", "longer than 65536 bytes"),
        (b'{"time": 1.0, "updates": "50"}\n', "without a number of updates"),
        (b"[50]\n", "without a number of updates"),
        (b'{"updates": 7}\n', "7 updates after 25"),
    ],
    ids=["NUL", "empty", "two in one", "truncated UTF-8", "nested", "huge", "text", "a list", "descending"],
)
def test_metrics_damaged_line_is_removed_and_reported_and_the_file_kept(tmp_path: Path, line: bytes, why: str) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(WHOLE + line + WHOLE)
    warnings: list[str] = []
    writer = MetricsWriter(tmp_path, updates=100, warn=warnings.append)
    writer.write(125, 100, {"alpha": 0.5})
    writer.close()
    assert [json.loads(text)["updates"] for text in path.read_text().splitlines()] == [25, 125]
    assert len(warnings) == 1
    assert f"metrics.jsonl: line 2 is damaged ({why}" in warnings[0]
    assert (tmp_path / "metrics.jsonl.damaged").read_bytes() == WHOLE + line + WHOLE
