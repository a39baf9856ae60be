"""Promise 12: the disk or the shared memory is full, and the robot does not notice.

Each row runs in a mount namespace of its own, with a small file system where the run writes: this needs root.
"""

import contextlib
import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import numpy as np

from async_rl_core.config.schema import Config
from async_rl_core.errors import TransportError
from async_rl_core.learning.checkpoint_file import newest_first
from async_rl_core.replay.journal.repair import check
from async_rl_core.run_folder.episodes import read_episodes
from async_rl_core.run_folder.run_folder import RunFolder
from async_rl_core.spec.sizes import StepSizes
from async_rl_core.transport.shared_memory import parameters, service
from async_rl_core.transport.shared_memory.parameters import ParameterPublisher
from async_rl_core.transport.shared_memory.service import Endpoint
from async_rl_interfaces.msg import GuardState
from faults.campaign import Campaign, mutation, run_config
from faults.node_rig import NodeRig
from faults.report import Row
from faults.run_listener import RunListener

REQUIRED = 1.0
"""Seconds from the first failed write to the error that reports it."""
SIZE = "300m"
SIZE_OF_POLICY = 10_000_000
"""float32 values that a process wants to publish in a full /dev/shm."""
START = 90.0
TIMEOUT = 300.0
MORE = 5.0
"""Seconds, beyond the longest write period of a node, for which the full run is observed."""
RECOVERY = 20.0
"""Seconds within which waiting records are written when there is room again."""
SHARED_MEMORY = Path("/dev/shm")


def disk(campaign: Campaign, random: Random) -> list[Row]:
    """Measures a run whose folder's file system becomes full."""
    return [_row(campaign, "disk", "the run folder's disk is full", "telling that nothing can be written")]


def shared_memory(campaign: Campaign, random: Random) -> list[Row]:
    """Measures a run with a full /dev/shm, which another process wants to join."""
    return [_row(campaign, "shm", "shared memory is full", "asking for memory before it is touched")]


def _row(campaign: Campaign, what: str, promise: str, protection: str) -> Row:
    required = "no SIGBUS, a clear error within 1 s, 0 missed cycles, the guard stays armed"
    required += "; once there is room, 0 steps and 0 rows are missing" if what == "disk" else ""
    if os.getuid() != 0:
        return Row(12, promise, required, "", 0, False, skipped="needs root for a small file system")
    measured, met = _measured(campaign, what)

    def broken() -> str:
        how, held = _measured(campaign, what, mutate=True)
        return "" if held else how

    return Row(12, promise, required, measured, 1, met, mutation(campaign, protection, broken))


def _measured(campaign: Campaign, what: str, mutate: bool = False) -> tuple[str, bool]:
    """Returns the measurement as text, and whether the promise was kept."""
    scratch = campaign.scratch / ("mutated" if mutate else "as_it_is")
    scratch.mkdir(exist_ok=True)
    words = ["unshare", "--mount", sys.executable, "-m", __name__, what, str(campaign.domain), str(scratch)]
    done = subprocess.run([*words, *(["mutate"] * mutate)], stdout=subprocess.PIPE, text=True, timeout=TIMEOUT)
    if done.returncode:
        return f"the measurement ended with {done.returncode}", False
    found = json.loads(done.stdout.splitlines()[-1])
    said, after, missed, ended, armed = (found[key] for key in ("said", "after", "missed", "ended", "armed"))
    measured = (
        f"'{said or 'nothing'}' after {after:.2f} s; {missed} missed cycles within {found['watched']:.0f} s; "
        f"processes that ended: {ended or 'none'}; the guard {'stayed armed' if armed else 'did not stay armed'}"
    )
    if gone := found["gone"]:
        measured += f"; once there was room: {gone}"
    return measured, bool(said) and after <= REQUIRED and missed == 0 and not ended and armed and not found["lost"]


def _inside(what: str, domain: int, scratch: Path, mutate: bool) -> dict[str, object]:
    """Measures in this namespace; `mutate`: without the protection."""
    mutants = {}
    if mutate and what == "disk":
        mutants = dict.fromkeys(("replay_node", "learner_node"), "without_disk_error_handling")
    elif mutate:
        unprotect()
    folder = SHARED_MEMORY if what == "shm" else scratch / "small"
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder], check=True)
    campaign = Campaign(False, scratch, folder if what == "disk" else scratch, domain)
    config = run_config(campaign, f"full_{what}", **{"learner.checkpoint_period": 1.0, "agent.initial_steps": 20})
    assert config.run_dir is not None
    watched = MORE + max(config.logging.curve_period, config.learner.checkpoint_period, config.replay.sync_period)
    with NodeRig(config, domain, mutants=mutants) as rig, RunListener(config, domain) as listener:
        listener.await_state(GuardState.ARMED, START)
        end = time.monotonic() + START
        while not newest_first(config.run_dir / "checkpoints") and time.monotonic() < end:
            time.sleep(0.1)
        start = listener.next_timing().missed_cycles
        _fill(folder / "ballast")
        full = time.monotonic()
        said, after = (_refusal if what == "shm" else _complaint)(listener, domain, full)
        time.sleep(max(0.0, full + watched - time.monotonic()))
        armed = listener.guard is not None and listener.guard.state == GuardState.ARMED
        ended = {name: p.returncode for name, p in rig.processes.items() if p.poll() is not None}
        missed = listener.next_timing().missed_cycles - start if "rl_agent_node" not in ended else -1
        (folder / "ballast").unlink()
        if what == "disk":
            _await_recovery(listener)
    gone = _gone(config, listener) if what == "disk" else {}
    said = said.replace(str(config.run_dir), "<run folder>")
    found = {"said": said, "after": after, "missed": missed, "ended": ended, "armed": armed, "watched": watched}
    return found | {"gone": ", ".join(f"{n} {what}" for what, n in gone.items()), "lost": any(gone.values())}


def _await_recovery(listener: RunListener) -> None:
    """Waits until replay, learner and monitor have written waiting records, at most `RECOVERY` s."""

    def is_over() -> bool:
        troubled = [text for text, _ in listener.health.values() if "cannot be written" in text or "wait" in text]
        return listener.diagnostic_value("replay_node", "journal") == "on" and not troubled

    with contextlib.suppress(TimeoutError):
        listener.wait(is_over, RECOVERY, "the records to be written")


def _gone(config: Config, listener: RunListener) -> dict[str, int]:
    """Returns the number of missing records of a finished run, by kind."""
    assert config.run_dir is not None
    report = check(RunFolder(config.run_dir).journal, StepSizes.from_config(config))
    unwritten = int(listener.diagnostic_value("replay_node", "steps not in the journal") or -1)
    numbers = [row.episode for row in read_episodes(config.run_dir / "episodes.csv")]
    rows = len(set(range(1, max(numbers, default=0) + 1)) - set(numbers))
    return {"steps missing": report.steps_missing + unwritten, "damaged segments": len(report.damaged), "rows": rows}


def _fill(path: Path) -> None:
    """Fills the file system."""
    block = bytes(2**20)
    with path.open("wb", buffering=0) as file:
        while len(block) > 0:
            try:
                file.write(block)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                block = block[: len(block) // 2]


def _complaint(listener: RunListener, domain: int, full: float) -> tuple[str, float]:
    """Returns the report of replay or learner about the disk, and the seconds until it."""

    def said() -> str:
        return next((text for text, _ in listener.health.values() if "No space" in text), "")

    with contextlib.suppress(TimeoutError):
        listener.wait(lambda: bool(said()), START, "an error that says that the disk is full")
    return said(), time.monotonic() - full


def _refusal(listener: RunListener, domain: int, full: float) -> tuple[str, float]:
    """Returns the error of a process that starts now, and the seconds until it."""
    begin = time.monotonic()
    try:
        publisher = ParameterPublisher(Endpoint(f"{domain}full", "late"), SIZE_OF_POLICY)
        publisher.publish(1, 0, np.zeros(SIZE_OF_POLICY, np.float32))
    except TransportError as error:
        return str(error), time.monotonic() - begin
    return "", time.monotonic() - begin


def unprotect() -> None:
    """Removes the checks of available shared memory from this process."""
    service.require_space = parameters.require_space = lambda nbytes, what: None  # type: ignore[attr-defined]
    service.reserve = lambda path, most=None: None  # type: ignore[attr-defined]


if __name__ == "__main__":
    print(json.dumps(_inside(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), "mutate" in sys.argv)))
