"""Table of whole runs."""

import argparse
from pathlib import Path

import pytest

from async_rl_core.run_folder.episodes import EpisodeRow, EpisodeWriter
from async_rl_core.run_folder.run_folder import RunFolder
from faults.endurance import Ended, document, late_updates

FIGURES = {
    "updates": 900,
    "episodes": 12,
    "faults_agent_silent": 2,
    "faults_halted": 1,
    "longest_silence_ms": 143.2,
    "lateness_p99_ms": 3.5,
    "guard_lateness_p99_ms": 0.5,
    "guard_lateness_max_ms": 60.1,
}
ARGUMENTS = argparse.Namespace(task="reacher", seconds=180, busy=2, ordinary=True)


@pytest.mark.parametrize(("until", "expected"), [(24, 450), (10, 0)])
def test_late_updates_are_those_of_the_last_episodes(tmp_path: Path, until: int, expected: int) -> None:
    writer = EpisodeWriter(RunFolder(tmp_path).episodes)
    for episode in range(1, until + 1):
        writer.write(EpisodeRow(episode, 7.0 * episode, 100 * episode, 90 * episode, 0.0, 0.0, 1.0, 0))
    writer.close()
    assert late_updates(tmp_path, 170.0) == expected
    assert late_updates(tmp_path / "nowhere", 170.0) == 0


def test_document_names_runs_that_did_not_learn_until_their_end() -> None:
    ended = [Ended(FIGURES, 0, 90, ["the computer was busy: no command"]), Ended({}, 3, 0), Ended(FIGURES, 3, 90)]
    text = document(ARGUMENTS, ended)
    assert "1 of 3 learned until the end" in text
    assert "| 1 | 900 | 12 | 2 agent silent, 1 halted | 143 | 3.5 | 0.5, 60.1 | 90 | yes | 0 |" in text
    assert "| 2 | 0 | 0 | none | 0 |  | ,  | 0 | NO | 3 |" in text
    assert "- Run 1: `the computer was busy: no command`" in text
