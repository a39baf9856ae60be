"""Promise 20: a fault of timing of a simulated arm is cleared; any other is reported until a person clears it."""

import math
import os
import signal
import subprocess
import time
from collections.abc import Callable
from random import Random

from async_rl_core.bringup.exit_policy import FAULTED
from async_rl_core.run_folder import summary
from async_rl_interfaces.msg import GuardState, VelocityCommand
from async_rl_ros.qos import COMMAND
from faults.campaign import Campaign, mutation, run_config
from faults.report import Row
from faults.run_listener import RunListener
from faults.supervised_run import SupervisedRun, await_learning

CLEARED = 10.0
"""Seconds within which a fault of timing is cleared, on a busy machine too."""
TOLD = 25.0
"""Seconds within which a latched fault is repeated in the terminal: 10 s, and time for a busy machine."""


def cleared(campaign: Campaign, random: Random) -> list[Row]:
    """Measures halts of the agent that are longer than the watchdog, as on a busy computer."""
    repeats = campaign.repeats(short=2, long=50)
    longest, updates, code, counted = _hiccups(campaign, random, repeats)
    promise = "the agent of a simulated run is halted for 0.15 to 0.5 s in motion, as a busy computer does it"
    required = "each fault is cleared at rest and counted; the arm moves again and learning goes on; exit code 0"
    measured = (
        f"armed again after at most {longest:.1f} s, {updates} updates afterwards, {counted} of {repeats} in "
        f"summary.json, exit code {code}"
    )
    met = updates > 0 and code == 0 and counted >= repeats
    mutations = mutation(
        campaign, "clearing of faults of timing", lambda: str(_hiccups(campaign, random, 1, clears=False))
    )
    return [Row(20, promise, required, measured, repeats, met, mutations)]


def _hiccups(
    campaign: Campaign, random: Random, repeats: int, clears: bool | None = None
) -> tuple[float, int, int, int]:
    """Returns maximum seconds to the next arming, updates after the last halt, exit code, faults in summary.json."""
    config = run_config(campaign, f"hiccups_{clears}", **{"guard.clear_timing_faults": clears})
    longest = 0.0
    with SupervisedRun(config, campaign.domain) as run, RunListener(config, campaign.domain) as listener:
        await_learning(run, listener, 0)
        for _ in range(repeats):
            listener.await_state(GuardState.ARMED)
            listener.await_motion()
            before, pid = _faults_cleared(listener), run.pid("rl_agent_node")
            os.kill(pid, signal.SIGSTOP)
            time.sleep(random.uniform(0.15, 0.5))
            os.kill(pid, signal.SIGCONT)
            went_on = time.monotonic()
            listener.expect(_more_faults_cleared(listener, before), CLEARED, "a fault that is cleared")
            listener.await_state(GuardState.ARMED)
            longest = max(longest, time.monotonic() - went_on)
            listener.await_motion()
        updates = listener.learner[-1][1]
        listener.learner.clear()
        await_learning(run, listener, updates)
        more = listener.learner[-1][1] - updates
        code = run.stop()
    counted = summary.read(run.run_dir).get("faults_agent_silent", 0)
    return longest, more, code, counted


def _more_faults_cleared(listener: RunListener, before: int) -> Callable[[], bool]:
    return lambda: _faults_cleared(listener) > before


def _faults_cleared(listener: RunListener) -> int:
    return listener.guard.faults_cleared if listener.guard is not None else 0


def told(campaign: Campaign, random: Random) -> list[Row]:
    """Measures a malformed command: the fault latches and is repeated with the command that clears it."""
    repeated, cleared, code = _told(campaign)
    promise = "a fault that stands, in a simulated run (a command that is no number)"
    required = "repeated with what to type, which clears it; left standing, the run ends with exit code 3"
    measured = f"repeated after {repeated:.0f} s; cleared: {cleared}; exit code {code}"
    return [Row(20, promise, required, measured, 1, cleared and code == FAULTED)]


def _told(campaign: Campaign) -> tuple[float, bool, int]:
    """Returns seconds until the fault was repeated, whether the printed command cleared it, and the exit code."""
    config = run_config(campaign, "told", **{"guard.clear_timing_faults": None})
    with SupervisedRun(config, campaign.domain) as run, RunListener(config, campaign.domain) as listener:
        publisher = listener.node.create_publisher(VelocityCommand, "rl_agent_node/command", COMMAND)
        listener.await_state(GuardState.ARMED)
        nonsense = VelocityCommand(
            name=list(config.robot.joints), velocity=[math.nan] * len(config.robot.joints), sequence=2**40
        )
        publisher.publish(nonsense)
        listener.await_state(GuardState.FAULT)
        start = time.monotonic()
        line = _reminder(run)
        repeated = time.monotonic() - start
        typed = line.split("type in another terminal: ")[1].split("  [")[0]
        done = subprocess.run(typed, shell=True, capture_output=True, text=True, env=_new_terminal())
        cleared = done.returncode == 0 and "fault cleared" in done.stdout
        publisher.publish(nonsense)
        listener.await_state(GuardState.FAULT)
        return repeated, cleared, run.stop()


def _new_terminal() -> dict[str, str]:
    """Returns the environment of a new terminal without a ROS domain."""
    return {name: text for name, text in os.environ.items() if name != "ROS_DOMAIN_ID"}


def _reminder(run: SupervisedRun) -> str:
    end = time.monotonic() + TOLD
    while time.monotonic() < end:
        for line in run.terminal_output().splitlines():
            if "nothing is learned for" in line:
                return line
        time.sleep(0.2)
    raise RuntimeError(f"the fault was not repeated within {TOLD:g} s")
