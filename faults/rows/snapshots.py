"""Promise 11: checkpoints and the replay journal under kill -9, failing writes and flipped bits."""

import contextlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from async_rl_core.learning import checkpoint_file
from async_rl_core.learning.checkpoint_file import (
    CheckpointError,
    name_of,
    newest_first,
    newest_whole,
    read_checkpoint,
    write_checkpoint,
)
from async_rl_core.replay.journal import segment
from async_rl_core.replay.journal.journal import StepJournal, read_entries
from async_rl_core.replay.journal.report import JournalReport
from async_rl_core.replay.journal.segment import JournalError, JournalPosition
from async_rl_core.spec.sizes import StepSizes
from async_rl_core.spec.step import SINGLE_ACTOR, Step
from faults.campaign import Campaign, mutation
from faults.report import Row
from testing.full_disk import files_up_to

VALUES = 200_000
"""float32 values in a checkpoint, which takes about a millisecond to write."""
SIZES = StepSizes(45, 80, 15, 5)
SEGMENT_BYTES = 2**20
AHEAD = 20
"""Maximum steps that are not yet durable."""
LONGEST_LIFE = 0.1
"""Maximum seconds from a writer's first output to its death."""


def killed(campaign: Campaign, random: Random) -> list[Row]:
    """Measures a writer process killed at random moments: everything that it reported as durable must be there."""
    repeats = campaign.repeats(short=3, long=200)
    rows = []
    for kind, inspect in (("checkpoints", _checkpoint_trouble), ("journal", _journal_trouble)):
        with tempfile.TemporaryDirectory(dir=campaign.scratch) as folder:
            bad = list(_bad_after_kills(kind, inspect, Path(folder), repeats, random))
        measured = f"{len(bad)} lost, damaged or out of order{': ' if bad else ''}{'; '.join(bad[:3])}"
        required = "the old one or the new one is loaded, never neither"
        rows.append(Row(11, f"{kind}: the writer is killed", required, measured, repeats, not bad))
    mutations = mutation(campaign, "writing beside and renaming", lambda: _overwritten(campaign, random))
    return [replace(rows[0], mutations=mutations), *rows[1:]]


def _overwritten(campaign: Campaign, random: Random) -> str:
    with tempfile.TemporaryDirectory(dir=campaign.scratch) as folder:
        return next(_bad_after_kills("overwriting", _checkpoint_trouble, Path(folder), 50, random), "")


def _bad_after_kills(
    kind: str, inspect: Callable[[Path, int], str], folder: Path, repeats: int, random: Random
) -> Iterator[str]:
    """Yields what was wrong after each kill that left a damaged state."""
    for _ in range(repeats):
        writer = subprocess.Popen([sys.executable, "-m", __name__, kind, str(folder)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(random.uniform(0.0, LONGEST_LIFE))
        writer.send_signal(signal.SIGKILL)
        said, _ = writer.communicate()
        numbers = said.splitlines()
        done = int(numbers[-1] if said.endswith(b"\n") else numbers[-2]) if len(numbers) > 1 else 0
        if trouble := inspect(folder, done):
            for path in folder.iterdir():
                path.unlink()
            yield trouble


def _checkpoint_trouble(folder: Path, done: int) -> str:
    """Returns what is wrong with the newest checkpoint if number `done` was written; empty if nothing."""
    try:
        found = newest_whole(folder, lambda line: None)
        damaged = [path.name for path in newest_first(folder) if not _is_whole(path)]
    except CheckpointError as error:
        return str(error)
    if damaged:
        return f"damaged: {damaged}"
    if found is None:
        return "no checkpoint" if done else ""
    _, stored = found
    if stored.updates < done or (stored.arrays["values"] != np.float32(stored.updates)).any():
        return f"checkpoint {stored.updates} after {done} was written"
    return ""


def _is_whole(path: Path) -> bool:
    try:
        read_checkpoint(path)
    except CheckpointError:
        return False
    return True


def _journal_trouble(folder: Path, done: int) -> str:
    """Returns what is wrong with a journal whose steps up to `done` were durable; empty if nothing."""
    numbers = []
    for step, _ in read_entries(folder, SIZES):
        numbers.append(step.sequence)
        if (step.frames != step.sequence % 251).any() or (step.state != step.sequence % 2**20).any():
            return f"step {step.sequence} is not what was written"
    if numbers and numbers != list(range(numbers[0], numbers[-1] + 1)):
        return "a gap"
    return "" if done <= (numbers[-1] if numbers else 0) else f"ends at {numbers[-1:]} after {done} was settled"


def failing(campaign: Campaign, random: Random) -> list[Row]:
    """Measures writes that fail at a random byte: the checkpoint before stays the newest."""
    repeats = campaign.repeats(short=20, long=1000)
    bad = 0
    with tempfile.TemporaryDirectory(dir=campaign.scratch) as name:
        folder = Path(name)
        _save(folder, 1)
        for _ in range(repeats):
            with files_up_to(random.randrange(4 * VALUES)), contextlib.suppress(OSError):
                _save(folder, 2)
            bad += bool(_checkpoint_trouble(folder, 1)) or len(list(folder.iterdir())) != 1
    promise, required = "checkpoints: the write fails at a random byte", "the old one is loaded, and nothing is left"
    return [Row(11, promise, required, f"{bad} lost, damaged or left behind", repeats, bad == 0)]


def flipped(campaign: Campaign, random: Random) -> list[Row]:
    """Measures flips of single bits anywhere in a file."""
    repeats = campaign.repeats(short=300, long=20_000)
    rows = []
    for kind, unnoticed, module in (
        ("checkpoints", _unnoticed_in_checkpoint, checkpoint_file),
        ("journal", _unnoticed_in_journal, segment),
    ):
        missed = unnoticed(campaign.scratch, repeats, random)
        mutations = mutation(campaign, "checksums", lambda u=unnoticed, m=module: _unchecked(u, m, campaign, random))  # type: ignore[misc]
        measured = f"{missed} unnoticed"
        rows.append(Row(11, f"{kind}: a flipped bit", "every one detected", measured, repeats, missed == 0, mutations))
    return rows


def _unchecked(unnoticed: Callable[[Path, int, Random], int], module: Any, campaign: Campaign, random: Random) -> str:
    class NoChecksum:
        @staticmethod
        def crc32(*anything: object) -> int:
            return 0

    kept, module.zlib = module.zlib, NoChecksum
    try:
        missed = unnoticed(campaign.scratch, 300, random)
    except (ValueError, KeyError) as error:  # what no checksum kept from being read
        return repr(error)
    finally:
        module.zlib = kept
    return f"{missed} of 300 unnoticed" if missed else ""


def _unnoticed_in_checkpoint(scratch: Path, repeats: int, random: Random) -> int:
    path = scratch / name_of(7)
    write_checkpoint(path, {"updates": 7, "env_steps": 9, "spec": {}}, {"values": np.arange(64, dtype=np.float32)})
    return sum(_is_whole(path) for _ in _each_flip(path, repeats, random))


def _unnoticed_in_journal(scratch: Path, repeats: int, random: Random) -> int:
    folder = scratch / "flipped"
    folder.mkdir(exist_ok=True)
    journal = StepJournal(folder, SIZES, 5.0)
    for number in range(4):
        _append(journal, number)
    journal.close()
    (path,) = folder.iterdir()
    missed = 0
    for _ in _each_flip(path, repeats, random):
        with contextlib.suppress(JournalError):
            missed += _is_unnoticed(folder)
    return missed


def _is_unnoticed(folder: Path) -> bool:
    """Returns whether a damaged journal of four steps yields a wrong step, loses two, or reports nothing."""
    report = JournalReport()
    steps = [entry.step for entry in read_entries(folder, SIZES, report)]
    wrong = any((step.frames != step.sequence % 251).any() for step in steps)
    numbers = [step.sequence for step in steps]
    # A last step that says that it is longer looks as if a killed writer had left it.
    told = bool(report.damaged) or numbers == [0, 1, 2]
    return wrong or len(numbers) < 3 or not told


def _each_flip(path: Path, repeats: int, random: Random) -> Iterator[None]:
    """Flips one bit of the file for each repeat, then removes the file."""
    whole = path.read_bytes()
    for _ in range(repeats):
        data = bytearray(whole)
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
        path.write_bytes(data)
        yield
    path.unlink()


def _save(folder: Path, number: int) -> None:
    header: dict[str, object] = {"updates": number, "env_steps": number}
    write_checkpoint(folder / name_of(number), header, {"values": np.full(VALUES, number, np.float32)})


def _append(journal: StepJournal, number: int) -> None:
    frames = np.full((1, SIZES.height, SIZES.width, 3), number % 251, np.uint8)
    vector, action = np.full(SIZES.state, number % 2**20, np.float32), np.zeros(SIZES.action, np.float32)
    journal.append(
        Step(SINGLE_ACTOR, number, 0, number, frames, vector, action, 0.0, False), JournalPosition(number, 0, number, 0)
    )


def _write_checkpoints(folder: Path) -> None:
    print("ready", flush=True)
    for number in count(1 + max((int(path.stem.split("_")[1]) for path in newest_first(folder)), default=0)):
        _save(folder, number)
        print(number, flush=True)
        for old in newest_first(folder)[2:]:
            old.unlink()


def _overwrite_checkpoints(folder: Path) -> None:
    @contextlib.contextmanager
    def in_place(path: Path, **options: object) -> Iterator[Path]:
        yield path

    checkpoint_file.replacing = in_place  # type: ignore[attr-defined, assignment]
    _write_checkpoints(folder)


def _write_journal(folder: Path) -> None:
    newest = max((entry.step.sequence for entry in read_entries(folder, SIZES)), default=-1)
    journal = StepJournal(folder, SIZES, 0.05, newest, SEGMENT_BYTES)
    print("ready", flush=True)
    for number in count(newest + 1):
        _append(journal, number)
        journal.forget(number - 500)
        while number - journal.durable > AHEAD:
            time.sleep(0.0005)
        print(journal.durable, flush=True)


if __name__ == "__main__":
    {"checkpoints": _write_checkpoints, "overwriting": _overwrite_checkpoints, "journal": _write_journal}[sys.argv[1]](
        Path(sys.argv[2])
    )
