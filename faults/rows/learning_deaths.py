"""Promises 8 and 9: learner or replay is killed, and the run continues with all stored steps."""

import time
import zlib
from pathlib import Path
from random import Random

import numpy as np

from async_rl_core.config.schema import Config
from async_rl_core.learning.checkpoint_file import newest_first
from async_rl_core.replay.journal.journal import read_steps
from async_rl_core.run_folder.run_folder import RunFolder
from async_rl_interfaces.msg import GuardState
from faults.campaign import Campaign, mutation, run_config
from faults.report import Row
from faults.run_listener import RunListener
from faults.supervised_run import SupervisedRun, await_learning

REQUIRED = 10.0
"""Seconds from the learner's death to its next update."""
CHECKPOINT_PERIOD = 1.0
WINDOW = 8.0
"""Seconds before and after each death in which missed deadlines are counted."""
BEGUN = 10
"""Updates of a learner before it is killed."""
RETURN = 30.0
BROKEN = 3
"""Deaths of replay with an agent without retransmission."""


def learner(campaign: Campaign, random: Random) -> list[Row]:
    """Measures SIGKILL of the learner at random moments: in an update, a checkpoint, a publication."""
    repeats = campaign.repeats(short=1, long=50)
    times, extra, behind, lost = _learner_deaths(campaign, random, repeats)
    measured = (
        f"learning again after at most {max(times):.1f} s (median {np.median(times):.1f}), {behind} times from less "
        f"than the last checkpoint; {lost} stored transitions lost; {extra} missed deadlines more than before"
    )
    required = "0 transitions lost, 0 extra missed deadlines, learning again within 10 s, from its last checkpoint"
    met = max(times) <= REQUIRED and lost == extra == behind == 0
    promise = "the learner is killed (SIGKILL) at a random moment"
    mutations = mutation(campaign, "restoring the checkpoint", lambda: _behind(campaign, random))
    return [Row(8, promise, required, measured, repeats, met, mutations)]


def _behind(campaign: Campaign, random: Random) -> str:
    _, _, behind, _ = _learner_deaths(campaign, random, 1, "without_checkpoint_restore")
    return "began at update 0" if behind else ""


def _learner_deaths(
    campaign: Campaign, random: Random, repeats: int, mutant: str | None = None
) -> tuple[list[float], int, int, int]:
    """Returns seconds to the next update, extra missed deadlines, starts below the checkpoint, lost transitions."""
    config = _settings(campaign, f"learner_death_{mutant or ''}")
    times, extra, behind = [], 0, 0
    mutants = {"learner_node": mutant} if mutant else {}
    with SupervisedRun(config, campaign.domain, mutants) as run, RunListener(config, campaign.domain) as listener:
        mark = BEGUN
        for i in range(repeats):
            await_learning(run, listener, mark)
            _await_checkpoint(run.run_dir)
            time.sleep(random.uniform(0.0, 2.0))
            before = _missed_within(listener, WINDOW)
            start = listener.next_timing().missed_cycles
            killed = run.kill("learner_node")
            listener.clear()
            restored = int(newest_first(run.run_dir / "checkpoints")[0].stem.split("_")[1])
            beyond = 0 if mutant else restored  # a restart from zero would take as long again
            times.append(await_learning(run, listener, beyond) - killed)
            behind += listener.learner[0][1] < restored
            time.sleep(max(0.0, killed + WINDOW - time.monotonic()))
            extra += max(0, listener.next_timing().missed_cycles - start - before)
            _require_armed(listener)
            mark = listener.learner[-1][1] + BEGUN
            print(f"8: {i + 1} of {repeats}, learning again after {times[-1]:.1f} s", flush=True)
        lost = _lost(listener)
        run.stop()
        lost += _gaps(run.run_dir)
    return times, extra, behind, lost


def replay(campaign: Campaign, random: Random) -> list[Row]:
    """Measures SIGKILL of replay at random moments: all steps of its journal and all later ones must be there."""
    repeats = campaign.repeats(short=1, long=50)
    times, kept, changed, lost, stored = _replay_deaths(campaign, random, repeats)
    measured = (
        f"{changed} of {kept} stored before a death changed or gone, {lost} lost in flight, of {stored} in all; "
        f"back after at most {max(times):.1f} s"
    )
    required = "every acknowledged transition intact by checksum; at most the one in flight lost"
    met = kept > 0 and changed == 0 and lost <= repeats
    promise = "the replay process is killed (SIGKILL) at a random moment"
    mutations = mutation(campaign, "sending unacknowledged steps again", lambda: _lost_in_flight(campaign, random))
    return [Row(9, promise, required, measured, repeats, met, mutations)]


def _lost_in_flight(campaign: Campaign, random: Random) -> str:
    _, _, _, lost, _ = _replay_deaths(campaign, random, BROKEN, "without_retransmission")
    return f"{lost} lost" if lost > BROKEN else ""


def _replay_deaths(
    campaign: Campaign, random: Random, repeats: int, mutant: str | None = None
) -> tuple[list[float], int, int, int, int]:
    """Returns seconds until replay was back, steps kept before a death, steps changed, lost, and stored in all."""
    config = _settings(campaign, f"replay_death_{mutant or ''}")
    kept: dict[int, int] = {}
    times = []
    mutants = {"rl_agent_node": mutant} if mutant else {}
    with SupervisedRun(config, campaign.domain, mutants) as run, RunListener(config, campaign.domain) as listener:
        await_learning(run, listener, BEGUN)
        for i in range(repeats):
            time.sleep(random.uniform(1.0, 4.0))
            killed = run.kill("replay_node")
            listener.clear()
            kept |= _stored(run.run_dir)
            listener.wait(lambda: "replay_node" in listener.health, RETURN, "replay's diagnostics after its restart")
            times.append(time.monotonic() - killed)
            updates = listener.learner[-1][1] if listener.learner else BEGUN
            await_learning(run, listener, updates)
            _require_armed(listener)
            print(f"9: {i + 1} of {repeats}, back after {times[-1]:.1f} s", flush=True)
        listener.wait(
            lambda: listener.diagnostic_value("rl_agent_node", "steps waiting") == "0", RETURN, "no step waiting"
        )
        lost = _lost(listener)
        run.stop()
        after = _stored(run.run_dir)
        lost += _gaps(run.run_dir)
    changed = sum(after.get(number) != checksum for number, checksum in kept.items())
    return times, len(kept), changed, lost, len(after)


def _settings(campaign: Campaign, name: str) -> Config:
    return run_config(campaign, name, **{"learner.checkpoint_period": CHECKPOINT_PERIOD, "restarts": 100})


def _await_checkpoint(run_dir: Path, timeout: float = 30.0) -> None:
    end = time.monotonic() + timeout
    while not newest_first(run_dir / "checkpoints"):
        if time.monotonic() > end:
            raise TimeoutError("no checkpoint")
        time.sleep(0.05)


def _missed_within(listener: RunListener, seconds: float) -> int:
    start = listener.next_timing().missed_cycles
    time.sleep(seconds)
    missed: int = listener.next_timing().missed_cycles - start
    return missed


def _require_armed(listener: RunListener) -> None:
    if listener.guard is None or listener.guard.state != GuardState.ARMED:
        raise RuntimeError(f"the arm was stopped: {listener.guard and listener.guard.cause}")


def _lost(listener: RunListener) -> int:
    """Returns the number of lost steps that replay reports."""
    listener.wait(lambda: bool(listener.diagnostic_value("replay_node", "lost steps")), RETURN, "replay's diagnostics")
    return int(listener.diagnostic_value("replay_node", "lost steps"))


def _stored(run_dir: Path) -> dict[int, int]:
    """Returns a checksum of each step in the journal, by its number."""
    return {
        step.sequence: zlib.crc32(f"{step.episode} {step.index} {step.reward}".encode(), zlib.crc32(step.frames.data))
        for step in read_steps(RunFolder(run_dir).journal)
    }


def _gaps(run_dir: Path) -> int:
    """Returns the number of steps missing between the journal's first and last."""
    numbers = [step.sequence for step in read_steps(RunFolder(run_dir).journal)]
    return numbers[-1] + 1 - len(numbers)
