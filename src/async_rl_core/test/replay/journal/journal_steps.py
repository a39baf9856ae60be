"""Steps whose every value tells their number, in a journal."""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from async_rl_core.replay.journal.journal import StepJournal, read_steps
from async_rl_core.replay.journal.segment import JournalPosition, record_bytes
from async_rl_core.spec.sizes import StepSizes
from async_rl_core.spec.step import SINGLE_ACTOR, Step

SIZES = StepSizes(height=6, width=10, state=4, action=2)
NBYTES = record_bytes(SIZES, 1)


def make_step(sequence: int) -> Step:
    """A step whose every value tells its number."""
    frames = np.full((1, SIZES.height, SIZES.width, 3), sequence % 251, np.uint8)
    vectors = np.full(SIZES.state, sequence, np.float32), np.full(SIZES.action, -sequence, np.float32)
    return Step(SINGLE_ACTOR, sequence, sequence // 7, sequence % 7, frames, *vectors, sequence / 2, sequence % 3 == 0)


def check(step: Step) -> int:
    """That a step is what it was; its number."""
    expected = make_step(step.sequence)
    assert (step.episode, step.index, step.reward, step.terminal) == (
        expected.episode,
        expected.index,
        expected.reward,
        expected.terminal,
    )
    for name in ("frames", "state", "action"):
        np.testing.assert_array_equal(getattr(step, name), getattr(expected, name))
    return step.sequence


def position(sequence: int) -> JournalPosition:
    return JournalPosition(sequence, sequence // 7, 10 * sequence, 3 * sequence)


def append(journal: StepJournal, sequences: range) -> None:
    for sequence in sequences:
        journal.append(make_step(sequence), position(sequence))


def read(folder: Path) -> list[int]:
    return [check(step) for step in read_steps(folder)]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@contextlib.contextmanager
def opened(folder: Path, durable: int = -1, **limits: int) -> Iterator[StepJournal]:
    journal = StepJournal(folder, SIZES, 5.0, durable, **limits)
    yield journal
    journal.close()
    journal._thread.join(60)  # `close` gives up on a slow disk, which is not what is tested here


@contextlib.contextmanager
def held_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A disk that takes nothing meanwhile."""
    free = threading.Event()
    write = os.writev

    def wait(descriptor: int, parts: list[bytes]) -> int:
        free.wait(30)
        return write(descriptor, parts)

    monkeypatch.setattr(os, "writev", wait)
    yield
    free.set()
