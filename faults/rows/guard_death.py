"""Promise 2: the guard dies, and the robot stops the arm by its own timeout."""

import signal
import time
from random import Random

import numpy as np

from async_rl_interfaces.msg import GuardState
from faults.arm_listener import REST, ArmListener
from faults.campaign import Campaign, mutation, run_config, some_moment
from faults.node_rig import NodeRig
from faults.report import Row

REQUIRED = 0.040
"""Seconds from the guard's death to the start of the stop."""
FORGOTTEN = 60.0
"""Seconds within which the middleware removes a killed guard; until then its successor sees a second publisher."""
SLACK = 0.008
"""Maximum delay of a joint state in seconds: one robot cycle."""


def kill(campaign: Campaign, random: Random) -> list[Row]:
    """Measures SIGKILL and SIGSTOP of the guard in motion."""
    repeats = campaign.repeats(short=2, long=50)
    begins, rests, speeds = _times(campaign, random, repeats)
    measured = (
        f"the arm slows down after at most {max(begins):.0f} ms (median {np.median(begins):.0f}), at rest after at "
        f"most {max(rests):.0f} ms, from up to {max(speeds):.2f} rad/s (median {np.median(speeds):.2f})"
    )
    met = max(begins) <= 1e3 * (REQUIRED + SLACK)
    promise = "the guard is killed or halted in motion"
    mutations = mutation(campaign, "robot's own timeout", lambda: _without_timeout(campaign, random))
    required = "the simulated robot begins to stop within 40 ms (and one 8 ms cycle until its state says so)"
    return [Row(2, promise, required, measured, repeats, met, mutations)]


def _times(
    campaign: Campaign, random: Random, repeats: int, mutant: str | None = None
) -> tuple[list[float], list[float], list[float]]:
    """Returns ms until the arm slows down and until it rests, and the fastest joint at the signal, rad/s."""
    config = run_config(campaign, "guard_death")
    mutants = {"robot_sim_node": mutant} if mutant else {}
    begins: list[float] = []
    rests: list[float] = []
    speeds: list[float] = []
    with NodeRig(config, campaign.domain, mutants=mutants) as rig, ArmListener(config, campaign.domain) as listener:
        while len(begins) < repeats:
            listener.await_state(GuardState.ARMED, FORGOTTEN)
            time.sleep(some_moment(config, random))
            if not listener.moves_or_stopped():
                listener.reset_fault()
                continue
            speeds.append(listener.speed())
            number = signal.SIGKILL if len(begins) % 2 == 0 else signal.SIGSTOP
            sent = rig.signal("safety_guard_node", number)
            rest = listener.first_rest(sent)
            rests.append(1e3 * (rest - sent))
            begins.append(1e3 * (_slows_from(listener, sent, rest) - sent))
            if number is signal.SIGSTOP:
                rig.signal("safety_guard_node", signal.SIGKILL)
            listener.guard = None
            rig.restart("safety_guard_node")
    return begins, rests, speeds


def _slows_from(listener: ArmListener, sent: float, rest: float) -> float:
    """Returns the last time before rest at which the fastest joint was as fast as at the signal."""
    heard = [h for h in listener.received_velocities() if sent - SLACK <= h.time <= rest]
    fast = float(np.abs(heard[0].values).max()) - REST
    return max(h.time for h in heard if np.abs(h.values).max() >= fast)


def _without_timeout(campaign: Campaign, random: Random) -> str:
    begins, _, _ = _times(campaign, random, 1, "without_robot_timeout")
    return f"slows down after {max(begins):.0f} ms" if max(begins) > 1e3 * (REQUIRED + SLACK) else ""
