"""Memory of a replay store: the growth of the process while it fills."""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from async_rl_core.replay.memory import available
from async_rl_core.replay.replay import Replay
from benchmarks.cases import Case, fill
from benchmarks.reference import StackedReplay

_SPARE = 1.3
"""Multiple of its size that must be free for a store to be filled completely."""
_PART = 20


class Memory(NamedTuple):
    """Gigabytes of a full store."""

    gigabytes: float
    filled: int
    """Transitions that were inserted; the figure is extrapolated from them."""


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def ours(case: Case, transitions: int) -> Memory:
    """Returns the memory of `Replay` with `transitions`, measured with a twentieth where memory is short."""
    whole = available() > _SPARE * 3 * case.width * case.height * transitions
    filled = transitions if whole else max(1000, transitions // _PART)
    config = case.config(replay__capacity=filled)
    before = _resident()
    replay = Replay(config)
    fill(replay, config, filled)
    if len(replay.store) != filled:
        raise ValueError(f"the store holds {len(replay.store)} of {filled} transitions")
    return Memory((_resident() - before) * transitions / filled / 1e9, filled)


def reference(case: Case, transitions: int) -> Memory:
    """Returns the memory of the reference's store, measured with a part of the transitions."""
    filled, spec, actions = max(1000, transitions // 100), case.spec, len(case.config().robot.actuated_joints)
    image = spec.require_image()
    before = _resident()
    replay = StackedReplay(filled, image.channels, case.height, case.width, spec.state_size, actions)
    replay.fill(np.random.default_rng(0))
    return Memory((_resident() - before) * transitions / filled / 1e9, replay.size)
