"""Promise 15: shared memory and stores of a run are closed to other users."""

import os
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from async_rl_core.learning.checkpoint_file import newest_first
from faults.campaign import Campaign, mutation, run_config
from faults.node_rig import NodeRig
from faults.report import Row
from faults.run_listener import RunListener

STORES = ("checkpoints", "replay")
"""Folders of a run that are closed; the files beside them, such as episodes.csv, are not."""
SHARED_MEMORY = Path("/dev/shm")
LOOK_PERIOD = 0.02
NOBODY = 65534
START = 90.0


def closed(campaign: Campaign, random: Random) -> list[Row]:
    """Checks every file while a run with an open umask starts, learns, saves and ends."""
    seconds = campaign.seconds(short=5, long=120)
    modes, refused, tried = _seen(campaign, seconds)
    opened = sorted(f"{path.name}: {stat.filemode(mode)}" for path, mode in modes.items() if mode & 0o077)
    measured = f"{len(opened)} of {len(modes)} open to others{': ' if opened else ''}{', '.join(opened[:3])}"
    measured += f"; another user was refused {refused} of {tried} times" if tried else "; without root no other user"
    required = "files 0600, folders 0700, at every moment; another user is always refused"
    mutations = mutation(campaign, "private modes of the journal", lambda: _opened(campaign))
    met = not opened and refused == tried
    return [Row(15, "another user of the machine", required, measured, len(modes), met, mutations)]


def _opened(campaign: Campaign) -> str:
    modes, _, _ = _seen(campaign, 1, "without_private_modes")
    return f"{n} open" if (n := sum(bool(mode & 0o077) for mode in modes.values())) else ""


def _seen(campaign: Campaign, seconds: float, mutant: str | None = None) -> tuple[dict[Path, int], int, int]:
    """Returns the widest mode of each path, and how many of the tried files another user could not read."""
    name = f"permissions_{mutant or ''}"  # a run folder of its own: one that is there would be resumed
    config = run_config(campaign, name, **{"learner.checkpoint_period": 1.0, "agent.initial_steps": 20})
    modes: dict[Path, int] = {}
    refused = tried = 0
    assert config.run_dir is not None
    mutants = {"replay_node": mutant} if mutant else {}
    with _umask(0), NodeRig(config, campaign.domain, mutants=mutants) as rig:
        end, start = None, time.monotonic()
        with RunListener(config, campaign.domain):
            while end is None or time.monotonic() < end:
                _look(config.run_dir, campaign.domain, modes)
                if end is None and newest_first(config.run_dir / "checkpoints"):
                    end = time.monotonic() + seconds
                if end is None and time.monotonic() > start + START:
                    rig.require_all()
                    raise TimeoutError("no checkpoint")
                time.sleep(LOOK_PERIOD)
        if os.getuid() == 0:
            present = [path for path in modes if path.is_file()]
            refused, tried = sum(map(_refused, present)), len(present)
    return modes, refused, tried


def _look(run_dir: Path, domain: int, modes: dict[Path, int]) -> None:
    for path in _paths(run_dir, domain):
        try:
            modes[path] = modes.get(path, 0) | path.lstat().st_mode
        except FileNotFoundError:
            continue


def _paths(run_dir: Path, domain: int) -> Iterator[Path]:
    for store in STORES:
        folder = run_dir / store
        if folder.exists():
            yield folder
            yield from folder.iterdir()
    for path in SHARED_MEMORY.glob(f"async_rl-{os.getuid()}-{domain}*"):
        if path.name.removeprefix(f"async_rl-{os.getuid()}-{domain}")[:1] in ("", "-"):
            yield path


def _refused(path: Path) -> bool:
    """Returns whether another user is refused to read a file."""
    return (
        subprocess.run(["cat", path], user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True).returncode != 0
    )


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)
