import numpy as np
import pytest

from async_rl_core.monitoring.video_recorder import Frames, VideoRecorder

FRAMES: Frames = [(np.zeros((2, 2, 3), np.uint8), None)]


@pytest.mark.parametrize(
    ("episodes", "written"),
    [([1], [1]), ([1, 2, 3], [1, 3]), ([1, 2, 3, 4, 5], [1, 3, 5]), ([8, 9, 10], [8, 9, 10]), ([3, 4], [3, 4])],
)
def test_recorder_are_of_the_first_the_last_and_each_third_episode(episodes: list[int], written: list[int]) -> None:
    filmed: list[int] = []
    recorder = VideoRecorder(3, lambda episode, frames: filmed.append(episode))
    for episode in episodes:
        recorder.end(episode, FRAMES)
    assert recorder.close() == []
    assert filmed == written


def test_recorder_of_a_run_without_an_episode_say_so() -> None:
    recorder = VideoRecorder(3, lambda episode, frames: pytest.fail("nothing to write"))
    recorder.end(1, [])
    assert recorder.close() == ["record_video: no video was written, since no episode ended while images arrived"]


def test_recorder_that_are_not_wanted_are_silent() -> None:
    recorder = VideoRecorder(0, lambda episode, frames: pytest.fail("not wanted"))
    recorder.end(1, FRAMES)
    assert recorder.close() == []
