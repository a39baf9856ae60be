from pathlib import Path

import numpy as np
import pytest

from async_rl_core.agent.run_progress import BEGINNING, RunProgress, steps_gone
from async_rl_core.errors import AsyncRLError
from async_rl_core.learning.checkpoint_file import name_of, write_checkpoint
from async_rl_core.replay.journal.journal import StepJournal
from async_rl_core.replay.journal.segment import JournalPosition
from async_rl_core.run_folder import summary
from async_rl_core.run_folder.episodes import EpisodeRow, EpisodeWriter
from async_rl_core.run_folder.run_folder import RunFolder
from async_rl_core.spec.sizes import StepSizes
from async_rl_core.spec.step import SINGLE_ACTOR, Step

SIZES = StepSizes(height=2, width=2, state=3, action=1)


def finish(run: Path, episode: int, env_steps: int) -> None:
    """A row as the monitor writes it."""
    writer = EpisodeWriter(run / "episodes.csv")
    writer.write(EpisodeRow(episode, 7.0 * episode, env_steps, 0, 1.0, 1.0, 0.5, 2))
    writer.close()


def store(run: Path, position: JournalPosition, actor: str = SINGLE_ACTOR) -> None:
    """A step as replay keeps it."""
    folder, before = RunFolder(run).journal / actor, position.sequence - 1
    journal = StepJournal(folder, SIZES, sync_period=1.0, durable=before, actor=actor)
    vectors = np.zeros(3, np.float32), np.zeros(1, np.float32)
    frames = np.zeros((1, 2, 2, 3), np.uint8)
    journal.append(Step(actor, position.sequence, position.episode, 1, frames, *vectors, 0.0, terminal=False), position)
    journal.close()


def test_run_progress_new_run_begins_at_nothing(tmp_path: Path) -> None:
    assert RunProgress.read(tmp_path) == BEGINNING == RunProgress()


def test_run_progress_what_is_stored_may_be_further_than_what_is_recorded(tmp_path: Path) -> None:
    finish(tmp_path, episode=3, env_steps=300)
    store(tmp_path, JournalPosition(sequence=345, episode=4, env_steps=341, batches=9))
    assert RunProgress.read(tmp_path) == RunProgress(
        episode=4, sequence=346, env_steps=341, finished=1, missed_cycles=2
    )


def test_run_progress_of_an_actor_counts_its_own_steps_and_episodes(tmp_path: Path) -> None:
    store(tmp_path, JournalPosition(sequence=345, episode=4, env_steps=400, batches=9), "left")
    store(tmp_path, JournalPosition(sequence=60, episode=2, env_steps=341, batches=9), "lab/right")
    assert RunProgress.read(tmp_path, "left") == RunProgress(episode=4, sequence=346, env_steps=400)
    assert RunProgress.read(tmp_path, "lab/right") == RunProgress(episode=2, sequence=61, env_steps=341)
    assert RunProgress.read(tmp_path, "new") == BEGINNING


def test_run_progress_what_is_recorded_may_be_further_than_what_is_stored(tmp_path: Path) -> None:
    store(tmp_path, JournalPosition(sequence=345, episode=4, env_steps=341, batches=9))
    finish(tmp_path, episode=5, env_steps=500)
    assert RunProgress.read(tmp_path) == RunProgress(
        episode=5, sequence=346, env_steps=500, finished=1, missed_cycles=2
    )


def test_run_progress_counts_go_on_from_the_summary(tmp_path: Path) -> None:
    summary.write(RunFolder(tmp_path).summary, {"cycles": 900, "missed_cycles": 5, "stale_images": 1})
    assert RunProgress.read(tmp_path) == RunProgress(cycles=900, missed_cycles=5, stale_images=1)
    RunFolder(tmp_path).summary.write_text("{")
    assert RunProgress.read(tmp_path) == BEGINNING


def test_run_progress_damaged_record_is_named(tmp_path: Path) -> None:
    (tmp_path / "episodes.csv").write_text("something else\n")
    with pytest.raises(AsyncRLError, match=r"episodes\.csv"):
        RunProgress.read(tmp_path)


def test_run_progress_start_counts_episodes_that_ended_for_people(tmp_path: Path) -> None:
    finish(tmp_path, episode=3, env_steps=300)
    store(tmp_path, JournalPosition(sequence=345, episode=7, env_steps=341, batches=9))
    start = RunProgress.read(tmp_path)
    assert (start.episode, start.ended) == (7, 3)


def test_run_progress_start_goes_beyond_steps_that_are_damaged_or_gone(tmp_path: Path) -> None:
    store(tmp_path, JournalPosition(sequence=345, episode=4, env_steps=341, batches=9))
    store(tmp_path, JournalPosition(sequence=346, episode=4, env_steps=342, batches=9))
    newest = max(RunFolder(tmp_path).journal.iterdir())
    data = bytearray(newest.read_bytes())
    data[-1] ^= 1
    newest.write_bytes(data)
    assert RunProgress.read(tmp_path).sequence == 347
    newest.unlink()
    RunFolder(tmp_path).checkpoints.mkdir()
    path = RunFolder(tmp_path).checkpoints / name_of(9)
    write_checkpoint(path, {"updates": 9, "env_steps": 442}, {"w": np.zeros(3, np.float32)})
    assert steps_gone(tmp_path) == 101
    assert RunProgress.read(tmp_path).sequence == 442 + 4 + 1


@pytest.mark.parametrize(
    "text", ["[1]", "{}", '{"cycles": "9", "missed_cycles": NaN, "stale_images": 1e999}', "[" * 10**5]
)
def test_run_progress_start_summary_with_other_values_counts_from_nothing(tmp_path: Path, text: str) -> None:
    RunFolder(tmp_path).summary.write_text(text)
    assert RunProgress.read(tmp_path) == BEGINNING


def test_run_progress_start_damaged_line_of_episodes_is_left_out(tmp_path: Path) -> None:
    finish(tmp_path, episode=3, env_steps=300)
    with (tmp_path / "episodes.csv").open("a") as file:
        file.write("\0" * 50 + "\n")
    assert RunProgress.read(tmp_path).ended == 3
