"""A run whose processes are all killed at a random moment resumes without losing a stored step."""

import json
import os
import signal
import time
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from async_rl_core.config.load import read_config
from async_rl_core.learning.checkpoint_file import newest_first, read_checkpoint
from async_rl_core.replay.journal.journal import last_position, read_steps
from async_rl_core.run_folder.episodes import EpisodeRow, read_episodes
from testing.run_resources import processes_of

from .conftest import PATIENCE, TopicListener, in_time, left_episodes, write_preset
from .test_run import launch, segments

SEED = int.from_bytes(os.urandom(4))
"""Seed of the moment; a failure prints it."""
RANDOM_STEPS = 60
EPISODE_STEPS = 100


@pytest.fixture
def preset(tmp_path: Path) -> Path:
    """Returns a preset with few random steps, a checkpoint every second, and long timeouts of the guard."""
    return write_preset(
        tmp_path / "hurried.yaml",
        agent={"initial_steps": RANDOM_STEPS},
        learner={"checkpoint_period": 1.0, "metrics_period": 5},
        guard={"watchdog": PATIENCE, "state_timeout": PATIENCE},
    )


def rows_of(run_dir: Path) -> list[EpisodeRow]:
    """Returns the finished episodes."""
    path = run_dir / "episodes.csv"
    return read_episodes(path) if path.exists() else []


def stored(run_dir: Path) -> dict[int, int]:
    """Returns the checksum of each step in the journal, by its number."""
    return {
        step.sequence: zlib.crc32(f"{step.episode} {step.index} {step.reward}".encode(), zlib.crc32(step.frames))
        for step in read_steps(run_dir / "replay")
    }


@pytest.mark.timeout(150)
def test_resume_of_a_killed_run_continues(tmp_path: Path, preset: Path, domain: int, listener: TopicListener) -> None:
    run_dir = tmp_path / "run"
    rng = np.random.default_rng(SEED)
    process = launch(domain, f"preset:={preset}", f"run_dir:={run_dir}", f"seed:={SEED % 1000}")
    while not (rows_of(run_dir) and newest_first(run_dir / "checkpoints")):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
    time.sleep(rng.uniform(0.0, 5.0))  # the moment: in a reset, in an episode, while a checkpoint is written
    for pid in (process.pid, *processes_of(run_dir)):
        with suppress(ProcessLookupError):  # nodes end with whom they were started by
            os.kill(pid, signal.SIGKILL)
    process.communicate()
    while processes_of(run_dir):
        time.sleep(0.01)

    before, position, rows = stored(run_dir), last_position(run_dir / "replay"), rows_of(run_dir)
    checkpoint = read_checkpoint(newest_first(run_dir / "checkpoints")[0])
    assert position is not None and before
    # The last second's steps wait for who confirms them: an episode that ended just now is not all stored.
    episode, steps = rows[-1].episode, max(position.env_steps, rows[-1].env_steps)
    heard = len(listener.learner)
    listener.health.clear()

    process = launch(domain, f"resume:={run_dir}", f"episodes:={len(rows) + 1}")
    output, _ = process.communicate()
    assert process.returncode == 0, f"seed {SEED}: {output}"
    where = f"episode {episode + 1}, step {steps}, update {checkpoint.updates}"
    assert f"resuming at {where}\n" in output, f"seed {SEED}: {output}"
    left = left_episodes(output)

    # What was stored is there as it was, and what came since follows it without a gap.
    after = stored(run_dir)
    assert {number: after[number] for number in before} == before
    assert sorted(after) == list(range(len(after)))
    replay = listener.health["replay_node"]
    assert (replay["lost steps"], replay["repeated steps"]) == ("0", "0")
    assert int(replay["env steps"]) > position.env_steps
    assert int(replay["transitions"]) > position.env_steps

    # It learned on from the checkpoint, no faster than new steps came.
    learned = listener.learner[heard:]
    assert learned[0].updates >= checkpoint.updates
    allowed = read_config(run_dir / "config.yaml").learner.max_updates_per_step * (EPISODE_STEPS * (1 + left) + 1)
    assert checkpoint.updates < learned[-1].updates <= checkpoint.updates + allowed
    updates = [json.loads(line)["updates"] for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    assert updates == sorted(set(updates))

    # The record goes on: another episode, by the policy, after those that are there.
    *kept, last = rows_of(run_dir)
    assert kept == rows
    assert last.episode == episode + 1, "one that was left has no number"
    assert 0 <= last.env_steps - (steps + EPISODE_STEPS) <= EPISODE_STEPS * left
    assert rows[-1].wall_time < last.wall_time < rows[-1].wall_time + 60.0
    assert in_time(lambda: listener.episodes[-1].episode == last.episode)
    assert not listener.episodes[-1].random
    summary = json.loads((run_dir / "summary.json").read_text())
    assert (summary["episodes"], summary["env_steps"]) == (len(rows) + 1, last.env_steps)

    assert not processes_of(run_dir)
    assert not segments(domain)
