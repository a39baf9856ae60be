"""A run's folder, taken up again."""

from pathlib import Path

import numpy as np
import pytest

from async_rl.command import main
from async_rl_core.bringup.checks import preflight
from async_rl_core.bringup.resume import reopen, resumed
from async_rl_core.config.load import read_config, resolve, write_config
from async_rl_core.errors import AsyncRLError
from async_rl_core.learning.checkpoint_file import name_of, write_checkpoint
from async_rl_core.replay.journal.journal import StepJournal
from async_rl_core.replay.journal.segment import JournalPosition
from async_rl_core.run_folder.episodes import EpisodeRow, EpisodeWriter
from async_rl_core.run_folder.run_folder import RunFolder
from async_rl_core.spec.sizes import StepSizes
from async_rl_core.spec.step import SINGLE_ACTOR, Step


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of two finished episodes, 150 steps and 40 updates."""
    write_config(resolve("laptop", {"episodes": 2, "run_dir": tmp_path}), tmp_path / "config.yaml")
    writer = EpisodeWriter(tmp_path / "episodes.csv")
    for episode in (1, 3):
        writer.write(EpisodeRow(episode, 7.0 * episode, 50 * episode, 0, 1.0, 1.0, 0.5, 0))
    writer.close()
    RunFolder(tmp_path).checkpoints.mkdir()
    for updates in (20, 40):
        path = RunFolder(tmp_path).checkpoints / name_of(updates)
        write_checkpoint(path, {"updates": updates, "env_steps": 100}, {"w": np.zeros(3, np.float32)})
    return tmp_path


def reopened(run: Path, **overrides: object) -> list[str]:
    said: list[str] = []
    reopen(resumed(run, overrides, {}), said.append)
    return said


def test_reopen_reports_where_the_run_resumes(run: Path) -> None:
    assert reopened(run, episodes=9, duration=30.0) == ["resuming at episode 4, step 150, update 40"]
    config = read_config(run / "config.yaml")
    assert (config.episodes, config.duration, config.run_dir) == (9, 30.0, run)


def test_reopen_without_a_checksum_warns(run: Path) -> None:
    path = run / "config.yaml"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[2:]), encoding="utf-8")
    warning, _ = reopened(run, episodes=9)
    assert warning.startswith(f"warning: {path} is of a version without checksum")
    assert len(reopened(run, episodes=9)) == 1  # it has one now


def test_reopen_edited_run_needs_the_edit_accepted(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run / "config.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("video_every: 10", "video_every: 20"), encoding="utf-8")
    with pytest.raises(AsyncRLError, match=f"async_rl config accept {run}"):
        reopened(run, episodes=9)
    assert main(["config", "accept", str(run)]) == 0
    assert "accepted" in capsys.readouterr().out
    assert len(reopened(run, episodes=9)) == 1 and read_config(path).logging.video_every == 20
    assert main(["config", "accept", str(run)]) == 0
    assert "is as its run wrote it" in capsys.readouterr().out


def test_reopen_run_without_a_step_begins_at_the_start(run: Path) -> None:
    for path in run.rglob("*"):
        if path.is_file() and path.name != "config.yaml":
            path.unlink()
    assert reopened(run) == ["resuming at episode 1, step 0, update 0"]


def test_reopen_damaged_checkpoint_falls_back_to_the_one_before(run: Path) -> None:
    (RunFolder(run).checkpoints / name_of(40)).write_bytes(b"")
    warning, line = reopened(run, episodes=3)
    assert warning.startswith("warning: checkpoint ") and name_of(40) in warning
    assert line == "resuming at episode 4, step 150, update 20"


def damage_checkpoints(run: Path) -> None:
    for path in RunFolder(run).checkpoints.iterdir():
        path.write_bytes(b"")


def damage_episodes(run: Path) -> None:
    (run / "episodes.csv").write_text("rows\n")


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda run: None, r"is complete, 2 of 2 episodes; .* such as episodes:=4, or episodes:=none"),
        (damage_checkpoints, "every checkpoint in .* is damaged"),
        (damage_episodes, r"episodes\.csv"),
    ],
)
def test_reopen_run_that_cannot_be_resumed_changes_nothing(run: Path, damage: object, expected: str) -> None:
    assert callable(damage)
    damage(run)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(AsyncRLError, match=expected):
        reopened(run, duration=5.0)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_a_full_disk_is_refused(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "MIN_DISK", 2**80)
    with pytest.raises(AsyncRLError, match="free some"):
        reopened(run, episodes=3)


def test_reopen_reports_damaged_and_missing_steps(run: Path) -> None:
    sizes = StepSizes.from_config(resolve("laptop"))
    step = np.zeros(sizes.state, np.float32), np.zeros(sizes.action, np.float32), 0.0, False
    frames = np.zeros((1, sizes.height, sizes.width, 3), np.uint8)
    journal = StepJournal(RunFolder(run).journal, sizes, 5.0, segment_bytes=3 * frames.nbytes)
    for i in range(9):
        journal.append(Step(SINGLE_ACTOR, i, 1, i, frames, *step), JournalPosition(i, 1, i, 0))
    journal.close()
    first, second, third = sorted(RunFolder(run).journal.iterdir())
    second.unlink()
    damaged = bytearray(third.read_bytes())
    damaged[100] ^= 1
    third.write_bytes(damaged)
    lines = reopened(run, episodes=9)
    assert f"bytes of {third.name} are damaged" in lines[0]
    assert "4 of 9 steps are missing (numbers 3 to 6)" in lines[1]
    assert f"{third.name} is set aside as {third.name}.damaged; its 2 whole steps are kept" in lines[2]
    assert "the newest 92 steps that the learner had seen are missing" in lines[3]
    assert third.with_name(f"{third.name}.damaged").read_bytes() == damaged
    assert first.exists() and lines[4].startswith("resuming at episode 4")
