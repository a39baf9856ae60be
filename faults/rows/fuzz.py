"""Promise 14: no content of a file or of shared memory causes a crash, a hang or a foreign exception."""

import contextlib
import json
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from async_rl_core.agent.run_progress import RunProgress
from async_rl_core.config.catalogue import config_folder
from async_rl_core.config.load import read_config, resolve, write_config
from async_rl_core.errors import AsyncRLError, TransportError
from async_rl_core.learning.checkpoint_file import name_of, newest_env_steps, read_checkpoint, write_checkpoint
from async_rl_core.learning.metrics import MetricsWriter
from async_rl_core.replay.journal.journal import StepJournal, read_entries
from async_rl_core.replay.journal.segment import JournalPosition
from async_rl_core.run_folder.episodes import HEADER, EpisodeWriter, read_episodes
from async_rl_core.spec.sizes import StepSizes
from async_rl_core.spec.step import SINGLE_ACTOR, Step
from async_rl_core.transport.shared_memory.parameters import ParameterPublisher, ParameterSubscriber
from async_rl_core.transport.shared_memory.service import Endpoint
from faults.campaign import Campaign
from faults.report import Row

LONGEST = 5
"""Seconds after which a case counts as a hang."""
TOKENS = (b"\0", b"\xff\xfe", b"{", b"]", b": ", b"- ", b"&a ", b"*a", b"!!python/object:os.system ", b"~", b"nan",
          b"1e999", b"-1", b"9" * 40, b"'", b'"', b"\n", b"\t", b"%", b"<<: *a", b"true", b"[[[[[[[[")  # fmt: skip
SIZES = StepSizes(9, 16, 15, 5)
_METRICS = b"".join(b'{"time": 1.5, "updates": %d, "env_steps": 9, "alpha": 0.1}\n' % i for i in range(25, 200, 25))
_SUMMARY = b'{"cycles": 900, "missed_cycles": 5, "stale_images": 1, "random_episodes": 2, "seed": 3}'
_EPISODES = HEADER + "\n1,7.0,100,0,-1.5,0.01,0.4,0\n2,14.0,200,50,-1.4,0.02,0.4,0\n"
BLOB = 64
"""float32 values in a blob of parameters."""


class Kind(NamedTuple):
    """A kind of file: valid contents, file name and reader."""

    name: str
    originals: list[bytes]
    file: str
    read: Callable[[Path], object]


class HangError(Exception):
    """A case took too long."""


def files(campaign: Campaign, random: Random) -> list[Row]:
    """Measures changed files of every kind that the suite reads."""
    cases = campaign.repeats(short=60, long=20_000)
    kinds = [
        Kind("presets (YAML)", _texts("presets"), "fuzz.yaml", lambda path: resolve(str(path))),
        Kind("robots (YAML)", _texts("robots"), "fuzz.yaml", lambda path: resolve("laptop", {}, str(path))),
        Kind("checkpoints", [_checkpoint(campaign.scratch)], "fuzz.safetensors", read_checkpoint),
        Kind("journal segments", [_journal(campaign.scratch)], "steps_000000000000000.part", _read_journal),
        Kind("episodes.csv", [_EPISODES.encode()], "fuzz.csv", read_episodes),
        Kind("episodes.csv, gone on with", [_EPISODES.encode()], "fuzz_goes_on.csv", _go_on_with_episodes),
        Kind("metrics.jsonl", [_METRICS], "metrics.jsonl", _go_on_with_metrics),
        Kind("summary.json", [_SUMMARY], "summary.json", _start_from_summary),
        Kind("config.yaml of a run", [_config(campaign.scratch)], "config.yaml", read_config),
        Kind("checkpoints' headers", [_checkpoint(campaign.scratch)], name_of(7), _env_steps),
    ]
    return [_row(kind.name, _file_cases(campaign, random, kind, cases), cases) for kind in kinds]


def shared_memory(campaign: Campaign, random: Random) -> list[Row]:
    """Measures policy parameters changed in shared memory: none is accepted that was not published."""
    cases = campaign.repeats(short=200, long=100_000)
    endpoint = Endpoint(str(campaign.domain), "fuzz")
    publisher, subscriber = _Vandal(endpoint, BLOB), ParameterSubscriber(endpoint, BLOB)

    def outcomes() -> Iterator[str]:
        for _ in range(cases):
            publisher.publish_mutated(random)
            yield outcome(lambda: _require_whole(subscriber))

    try:
        return [_row("policy parameters in shared memory", outcomes(), cases)]
    finally:
        endpoint.close()


def _row(name: str, outcomes: Iterator[str], cases: int) -> Row:
    found = Counter(outcomes)
    fine = found.pop("read", 0), found.pop("refused", 0)
    measured = f"{fine[0]} read, {fine[1]} refused with an error of ours, {dict(found) or '0'} otherwise"
    return Row(14, f"fuzzed {name}", "0 crashes, 0 hangs, only our own exceptions", measured, cases, not found)


def _file_cases(campaign: Campaign, random: Random, kind: Kind, cases: int) -> Iterator[str]:
    folder = campaign.scratch / "fuzz"
    folder.mkdir(exist_ok=True)
    path = folder / kind.file
    for _ in range(cases):
        path.write_bytes(mutated(random.choice(kind.originals), random))
        found = outcome(lambda: kind.read(path))
        if found not in ("read", "refused"):
            kept = campaign.scratch / f"fuzz-{time.monotonic_ns()}-{kind.file}"
            kept.write_bytes(path.read_bytes())
        yield found
    path.unlink()


def outcome(read: Callable[[], object]) -> str:
    """Returns `read`, `refused`, or the name of a foreign exception."""
    with _alarm():
        try:
            read()
        except AsyncRLError as error:
            return "refused" if "\n" not in str(error) else f"an error of several lines: {error!r}"
        except Exception as error:
            return type(error).__name__
        return "read"


@contextlib.contextmanager
def _alarm() -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise HangError(f"no end within {LONGEST} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def mutated(data: bytes, random: Random) -> bytes:
    """Returns the data with one to eight changes: bits, cuts, repeats, other values, special tokens."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 8)):
        at = random.randrange(len(changed) + 1)
        end = min(len(changed), at + random.randint(1, 40))
        match random.randrange(6):
            case 0 if at < len(changed):
                changed[at] ^= 1 << random.randrange(8)
            case 1:
                del changed[at:end]
            case 2:
                changed[at:at] = changed[at:end] * random.randint(1, 20)
            case 3:
                changed[at:end] = random.randbytes(random.randint(1, 16))
            case 4:
                changed[at:at] = random.choice(TOKENS)
            case 5 if random.random() < 0.2:
                del changed[at:]
    return bytes(changed)


def _texts(kind: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((config_folder() / kind).glob("*.yaml"))]


def _checkpoint(scratch: Path) -> bytes:
    path = scratch / "whole.safetensors"
    write_checkpoint(path, {"updates": 7, "env_steps": 9, "spec": {}}, {"values": np.arange(32, dtype=np.float32)})
    return path.read_bytes()


def _config(scratch: Path) -> bytes:
    path = scratch / "whole.yaml"
    write_config(resolve("laptop", {"run_dir": str(scratch / "run")}), path)
    return path.read_bytes()


def _go_on_with_metrics(path: Path) -> None:
    """Resumes metrics as a learner does; the file must be valid afterwards."""
    writer = MetricsWriter(path.parent, updates=100)
    writer.write(125, 9, {"alpha": 0.5})
    writer.close()
    assert not writer.failed, writer.failed
    updates = [json.loads(line)["updates"] for line in path.read_bytes().splitlines()]
    assert updates[-1] == 125 and updates == sorted(updates), updates
    for left in (*path.parent.glob(f"{path.name}.damaged*"), *(path.parent / "tensorboard").iterdir()):
        left.unlink()


def _go_on_with_episodes(path: Path) -> None:
    writer = EpisodeWriter(path)
    writer.close()
    assert read_episodes(path) == writer.rows and not writer.failed
    for left in path.parent.glob(f"{path.name}.damaged*"):
        left.unlink()


def _start_from_summary(path: Path) -> None:
    start = RunProgress.read(path.parent)
    assert all(0 <= count < 2**63 for count in (start.cycles, start.missed_cycles, start.stale_images))


def _env_steps(path: Path) -> None:
    assert isinstance(newest_env_steps(path.parent), int)


def _journal(scratch: Path) -> bytes:
    folder = scratch / "whole"
    journal = StepJournal(folder, SIZES, 5.0)
    vector, action = np.zeros(SIZES.state, np.float32), np.zeros(SIZES.action, np.float32)
    for number in range(3):
        frames = np.zeros((1, SIZES.height, SIZES.width, 3), np.uint8)
        journal.append(
            Step(SINGLE_ACTOR, number, 0, number, frames, vector, action, 0.0, False),
            JournalPosition(number, 0, number, 0),
        )
    journal.close()
    (path,) = folder.iterdir()
    return path.read_bytes()


def _read_journal(path: Path) -> None:
    for step, _ in read_entries(path.parent, SIZES):
        assert np.isfinite(step.state).all() and not step.frames.any(), "a damaged step was yielded"


class _Vandal(ParameterPublisher):
    """Publishes blobs of ones that are changed after their checksum is computed."""

    def publish_mutated(self, random: Random) -> None:
        """Publishes one such blob."""
        self._random = random
        self.publish(1, 1, np.ones(self._size, np.float32))

    def _loan(self) -> tuple[Any, NDArray[np.uint8]]:
        loan, buffer = super()._loan()
        return _Spoiled(loan, buffer, self._random), buffer


@dataclass
class _Spoiled:
    """A loan whose bytes are changed before it is sent."""

    loan: Any
    buffer: NDArray[np.uint8]
    random: Random

    def assume_init(self) -> Any:
        """Returns the loan, mostly changed."""
        for _ in range(self.random.randrange(9)):
            self.buffer[self.random.randrange(len(self.buffer))] = self.random.randrange(256)
        return self.loan.assume_init()


def _require_whole(subscriber: ParameterSubscriber) -> None:
    parameters = subscriber.newest()
    if parameters is None:
        raise TransportError("rejected")
    assert (parameters.values == 1.0).all(), "spoiled parameters were taken"
