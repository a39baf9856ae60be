"""Promise 13: nothing leaks over restarts of every node."""

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from async_rl_core.bringup.graph import nodes
from async_rl_core.bringup.process.leftovers import (
    clean_dead_middleware,
    clean_middleware,
    middleware_files,
    used_files,
)
from async_rl_core.transport.shared_memory import service
from faults.campaign import Campaign, mutation, run_config
from faults.node_rig import NodeRig
from faults.report import Row
from faults.run_listener import RunListener
from testing.run_resources import processes_of, shared_files

RETURN = 60.0
"""Seconds within which a restarted node sends messages."""
LOOKS, LOOK_PERIOD = 20, 0.25
"""Number of descriptor counts, and seconds between them."""
SETTLED = 1.5
"""Seconds until the middleware's files are counted."""


def restarted(campaign: Campaign, random: Random) -> list[Row]:
    """Measures restarts of every other node, killed or ended, then of the rest."""
    repeats = campaign.repeats(short=3, long=100)
    files, left, more = _leaked(campaign, random, repeats)
    named = f" ({', '.join(sorted(files)[:3])})" if files else ""
    measured = f"{len(files)} segments{named}, {len(left)} processes, {more or 0} descriptors leaked"
    required = "0 leaked segments, processes, descriptors"
    met = not (files or left or more)
    mutations = mutation(campaign, "removal of what the dead leave", lambda: _unremoved(campaign, random))
    return [Row(13, "restart of each node", required, measured, repeats, met, mutations)]


def _unremoved(campaign: Campaign, random: Random) -> str:
    kept = service.clean_up_dead
    service.clean_up_dead = lambda domain: None
    try:
        files, _, _ = _leaked(campaign, random, 1, "without_shared_memory_cleanup")
    finally:
        service.clean_up_dead = kept
        service.clean_up_dead(str(campaign.domain))
    return f"{len(files)} segments leaked" if files else ""


def _leaked(
    campaign: Campaign, random: Random, repeats: int, mutant: str | None = None
) -> tuple[set[str], list[int], dict[str, int]]:
    """Returns remaining files and processes, and the additional descriptors of each node."""
    config = run_config(campaign, f"restarts_{mutant or ''}")
    clean_dead_middleware(time.time())
    before = shared_files(campaign.domain)
    middleware = middleware_files()
    names = [spec.name for spec in nodes(config, Path())]
    mutants = dict.fromkeys(names, mutant) if mutant else {}
    with NodeRig(config, campaign.domain, mutants=mutants) as rig, RunListener(config, campaign.domain) as listener:
        _await_all(listener, names)
        more: dict[str, int] = {}
        for part, rest in ((names[::2], names[1::2]), (names[1::2], names[::2])):
            _restart(rig, listener, part, random)
            first = _descriptors(rig, rest)  # once what is made on first use is there
            for i in range(1, repeats):
                _restart(rig, listener, part, random)
                print(f"13: {i + 1} of {repeats} restarts of {part}", flush=True)
            last = _descriptors(rig, rest)
            more |= {name: count - first[name] for name, count in last.items() if count > first[name]}
    time.sleep(SETTLED)
    clean_middleware(middleware, time.time())
    found = shared_files(campaign.domain) - before
    return found - used_files(), processes_of(rig.run_dir), more


def _descriptors(rig: NodeRig, names: Sequence[str]) -> dict[str, int]:
    """Returns the open descriptors of each node: the minimum of several counts, since some files are open briefly."""
    looks = []
    for _ in range(LOOKS):
        time.sleep(LOOK_PERIOD)
        looks.append({name: len(os.listdir(f"/proc/{rig.pid(name)}/fd")) for name in names})
    return {name: min(look[name] for look in looks) for name in names}


def _restart(rig: NodeRig, listener: RunListener, names: Sequence[str], random: Random) -> None:
    for name in names:
        rig.signal(name, random.choice((signal.SIGKILL, signal.SIGTERM)))
    for name in random.sample(names, len(names)):
        rig.restart(name)
    listener.clear()
    _await_all(listener, names)


def _await_all(listener: RunListener, names: Sequence[str]) -> None:
    """Waits until each node has sent diagnostics. Raises `TimeoutError` naming those that did not."""
    try:
        listener.wait(lambda: all(name in listener.health for name in names), RETURN, "diagnostics")
    except TimeoutError as error:
        raise TimeoutError(f"{error} of {[name for name in names if name not in listener.health]}") from error
