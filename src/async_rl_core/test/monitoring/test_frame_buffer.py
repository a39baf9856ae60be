"""Frames and points find each other by their stamps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_rl_core.monitoring import frame_buffer as film_module
from async_rl_core.monitoring.frame_buffer import FrameBuffer


def image(value: int) -> film_module.Image:
    return np.full((4, 6, 3), value % 256, np.uint8)


def points(value: int) -> film_module.Points:
    return np.full((3, 2), value, np.float32)


@given(
    length=st.integers(1, 20),
    count=st.integers(0, 40),
    with_points=st.sets(st.integers(0, 39)),
    points_first=st.booleans(),
)
def test_frame_buffer_frame_keeps_its_own_points(
    length: int, count: int, with_points: set[int], points_first: bool
) -> None:
    film = FrameBuffer(length)
    for stamp in range(count):
        if points_first and stamp in with_points:
            film.add_points(stamp, points(stamp))
        film.add_frame(stamp, image(stamp))
        if not points_first and stamp in with_points:
            film.add_points(stamp, points(stamp))
    taken = film.take()
    kept = range(max(0, count - length), count)
    assert [int(frame[0, 0, 0]) for frame, _ in taken] == [stamp % 256 for stamp in kept]
    for stamp, (_, mark) in zip(kept, taken, strict=True):
        assert (mark is not None) == (stamp in with_points)
        assert mark is None or mark[0, 0] == stamp
    assert film.take() == []


def test_frame_buffer_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(film_module, "MEMORY", 5 * image(0).nbytes)
    film = FrameBuffer(100)
    for stamp in range(50):
        film.add_frame(stamp, image(stamp))
    assert len(film.take()) == 5


def test_frame_buffer_frame_is_found_by_its_stamp() -> None:
    film = FrameBuffer(2)
    for stamp in range(3):
        film.add_frame(stamp, image(stamp))
    assert film.frame(0) is None
    found = film.frame(2)
    assert found is not None
    assert found[0, 0, 0] == 2


def test_frame_buffer_without_stamps_keeps_every_frame_with_its_points() -> None:
    film = FrameBuffer(100)
    for number in range(100):
        film.add_frame(0, image(number))
        if number % 2:
            film.add_points(0, points(number))
    taken = film.take()
    assert [int(frame[0, 0, 0]) for frame, _ in taken] == list(range(100))
    assert [None if mark is None else int(mark[0, 0]) for _, mark in taken] == [
        n if n % 2 else None for n in range(100)
    ]
