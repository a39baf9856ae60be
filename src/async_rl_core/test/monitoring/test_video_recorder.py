import numpy as np
import pytest

from async_rl_core.monitoring.video_recorder import Frames, VideoRecorder

FRAMES: Frames = [(np.zeros((2, 2, 3), np.uint8), None)]


@pytest.mark.parametrize(
    ("episodes", "written"),
    [([1], [1]), ([1, 2, 3], [1, 3]), ([1, 2, 3, 4, 5], [1, 3, 5]), ([8, 9, 10], [8, 9, 10]), ([3, 4], [3, 4])],
)
def test_recordings_are_of_the_first_the_last_and_each_third_episode(episodes: list[int], written: list[int]) -> None:
    filmed: list[int] = []
    recordings = VideoRecorder(3, lambda episode, frames: filmed.append(episode))
    for episode in episodes:
        recordings.end(episode, FRAMES)
    assert recordings.close() == []
    assert filmed == written


def test_recordings_of_a_run_without_an_episode_say_so() -> None:
    recordings = VideoRecorder(3, lambda episode, frames: pytest.fail("nothing to write"))
    recordings.end(1, [])
    assert recordings.close() == ["record_video: no episode ended while images came, so there is no video"]


def test_recordings_that_are_not_wanted_are_silent() -> None:
    recordings = VideoRecorder(0, lambda episode, frames: pytest.fail("not wanted"))
    recordings.end(1, FRAMES)
    assert recordings.close() == []
