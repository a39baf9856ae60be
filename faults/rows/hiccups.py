"""Promise 20: with a simulated arm an ordinary hiccup ends nothing; a fault that stands is told, and so is the end."""

import math
import os
import signal
import subprocess
import time
from random import Random

from async_rl_core.bringup.exit_codes import FAULTED
from async_rl_core.run_folder import summary
from async_rl_interfaces.msg import GuardState, VelocityCommand
from async_rl_ros.qos import COMMAND
from faults.campaign import Form, mutation, settings
from faults.ear import Ear
from faults.report import Row
from faults.supervised import SupervisedRun, await_learning

CLEARED = 10.0
"""Seconds in which a fault of timing is cleared, on a busy machine too."""
TOLD = 25.0
"""Seconds in which a fault that stands has been repeated in the terminal: after 10 s, and what a busy machine takes."""


def cleared(form: Form, random: Random) -> list[Row]:
    """The agent is halted for longer than the watchdog bears, as a busy computer does it, and goes on."""
    repeats = form.repeats(short=2, long=50)
    longest, updates, code, counted = _hiccups(form, random, repeats)
    promise = "the agent of a simulated run is halted for 0.15 to 0.5 s in motion, as a busy computer does it"
    required = "each fault is cleared at rest and counted; the arm moves again and learning goes on; exit code 0"
    measured = (
        f"armed again after at most {longest:.1f} s, {updates} updates afterwards, {counted} of {repeats} in "
        f"summary.json, exit code {code}"
    )
    met = updates > 0 and code == 0 and counted >= repeats
    mutations = mutation(form, "clearing of faults of timing", lambda: str(_hiccups(form, random, 1, clears=False)))
    return [Row(20, promise, required, measured, repeats, met, mutations)]


def _hiccups(form: Form, random: Random, repeats: int, clears: bool | None = None) -> tuple[float, int, int, int]:
    """Seconds to the next arming at most, updates after the last, the exit code, and the faults in summary.json."""
    config = settings(form, f"hiccups_{clears}", **{"guard.clear_timing_faults": clears})
    longest = 0.0
    with SupervisedRun(config, form.domain) as run, Ear(config, form.domain) as ear:
        await_learning(run, ear, 0)
        for _ in range(repeats):
            ear.await_state(GuardState.ARMED)
            ear.await_motion()
            before, pid = _faults_cleared(ear), run.pid("rl_agent_node")
            os.kill(pid, signal.SIGSTOP)
            time.sleep(random.uniform(0.15, 0.5))
            os.kill(pid, signal.SIGCONT)
            went_on = time.monotonic()
            ear.expect(lambda before=before: _faults_cleared(ear) > before, CLEARED, "a fault that is cleared")  # type: ignore[misc]
            ear.await_state(GuardState.ARMED)
            longest = max(longest, time.monotonic() - went_on)
            ear.await_motion()
        updates = ear.learner[-1][1]
        ear.learner.clear()
        await_learning(run, ear, updates)
        more = ear.learner[-1][1] - updates
        code = run.stop()
    counted = summary.read(run.run_dir).get("faults_agent_silent", 0)
    return longest, more, code, counted


def _faults_cleared(ear: Ear) -> int:
    return ear.guard.faults_cleared if ear.guard is not None else 0


def told(form: Form, random: Random) -> list[Row]:
    """A malformed command in a run: the fault latches, is repeated with what to type, and what is typed works."""
    repeated, cleared, code = _told(form)
    promise = "a fault that stands, in a simulated run (a command that is no number)"
    required = "repeated with what to type, which clears it; left standing, the run ends with exit code 3"
    measured = f"repeated after {repeated:.0f} s; cleared: {cleared}; exit code {code}"
    return [Row(20, promise, required, measured, 1, cleared and code == FAULTED)]


def _told(form: Form) -> tuple[float, bool, int]:
    """Seconds until the fault was repeated, whether the command in that line cleared it, and the exit code."""
    config = settings(form, "told", **{"guard.clear_timing_faults": None})
    with SupervisedRun(config, form.domain) as run, Ear(config, form.domain) as ear:
        publisher = ear.node.create_publisher(VelocityCommand, "rl_agent_node/command", COMMAND)
        ear.await_state(GuardState.ARMED)
        nonsense = VelocityCommand(
            name=list(config.robot.joints), velocity=[math.nan] * len(config.robot.joints), sequence=2**40
        )
        publisher.publish(nonsense)
        ear.await_state(GuardState.FAULT)
        start = time.monotonic()
        line = _reminder(run)
        repeated = time.monotonic() - start
        typed = line.split("type in another terminal: ")[1].split("  [")[0]
        done = subprocess.run(typed, shell=True, capture_output=True, text=True, env=_new_terminal())
        cleared = done.returncode == 0 and "fault cleared" in done.stdout
        publisher.publish(nonsense)
        ear.await_state(GuardState.FAULT)
        return repeated, cleared, run.stop()


def _new_terminal() -> dict[str, str]:
    """The environment of a terminal in which this checkout's environment is found, and no ROS domain is set."""
    return {name: text for name, text in os.environ.items() if name != "ROS_DOMAIN_ID"}


def _reminder(run: SupervisedRun) -> str:
    end = time.monotonic() + TOLD
    while time.monotonic() < end:
        for line in run.said().splitlines():
            if "nothing is learned for" in line:
                return line
        time.sleep(0.2)
    raise RuntimeError(f"the fault was not repeated within {TOLD:g} s")
