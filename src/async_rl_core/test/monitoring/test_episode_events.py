"""Episodes as TensorBoard reads them."""

from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from async_rl_core.monitoring.episode_events import EpisodeEvents
from async_rl_core.run_folder.episodes import EpisodeRow
from async_rl_core.run_folder.run_folder import RunFolder


def row(episode: int, value: float = 2.0) -> EpisodeRow:
    return EpisodeRow(episode, 7.0 * episode, 100 * episode, 0, 100.0 * value, value, 1.5, 0)


def read(run: Path) -> EventAccumulator:
    events = EventAccumulator(str(RunFolder(run).episode_events), purge_orphaned_data=True)
    events.Reload()
    return events


def test_events_hold_return_target_term_and_lateness_per_episode(tmp_path: Path) -> None:
    events = EpisodeEvents(tmp_path)
    for episode in (1, 2, 4):
        events.add(row(episode, float(episode)))
    events.close()
    found = read(tmp_path)
    assert [(e.step, e.value) for e in found.Scalars("episode/target_term")] == [(1, 1.0), (2, 2.0), (4, 4.0)]
    assert [e.value for e in found.Scalars("episode/return")] == [100.0, 200.0, 400.0]
    assert {e.value for e in found.Scalars("episode/lateness_p99_ms")} == {1.5}


def test_events_of_a_resumed_run_continue(tmp_path: Path) -> None:
    for episodes in ((1, 2, 3), (3, 4)):
        events = EpisodeEvents(tmp_path)
        for episode in episodes:
            events.add(row(episode))
        events.close()
    assert [e.step for e in read(tmp_path).Scalars("episode/return")] == [1, 2, 3, 4]


def test_events_without_a_folder_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "tensorboard").write_text("in the way")
    events = EpisodeEvents(tmp_path)
    events.add(row(1))
    events.close()
