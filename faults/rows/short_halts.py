"""Promise 28: after a short halt of guard or robot, the arm continues from its present velocity."""

import signal
import time
from random import Random

import numpy as np

from async_rl_interfaces.msg import GuardState
from faults.arm_listener import ArmListener
from faults.campaign import Campaign, mutation
from faults.fake_agent import guard_with_fake_agent
from faults.report import Row

NODES = "safety_guard_node", "robot_sim_node"
SHORTEST, LONGEST = 0.05, 0.085
"""Seconds of a halt: longer than the robot's command watchdog, shorter than the guard's."""
SETTLED = 0.3
"""Seconds after a halt in which the arm is back in motion."""
SLACK = 0.03
"""rad/s by which the arm may have slowed down since its newest joint state."""


def halted(campaign: Campaign, random: Random) -> list[Row]:
    """Measures how much faster than the arm the first command after a short SIGSTOP is."""
    repeats = campaign.repeats(short=2, long=50)
    leaps, allowed = _leaps(campaign, random, repeats)
    mutations = mutation(campaign, "the measured velocity after a gap", lambda: _leaping(campaign, random))
    promise = "the guard or the robot's side is halted for 50 to 85 ms in motion"
    required = f"the next command is at most {allowed:.3f} rad/s faster than the arm: a cycle of acceleration"
    measured = f"at most {max(leaps):.3f} rad/s faster"
    return [Row(28, promise, required, measured, len(leaps), max(leaps) <= allowed, mutations)]


def _leaps(campaign: Campaign, random: Random, repeats: int, mutant: str | None = None) -> tuple[list[float], float]:
    """Returns by how much the first command after each halt is faster than the arm, and what is allowed, rad/s."""
    leaps: list[float] = []
    with guard_with_fake_agent(campaign, f"short_halts_{mutant or ''}", safety_guard_node=mutant) as (
        rig,
        listener,
        agent,
    ):
        limits = rig.config.robot.limits
        for node in [node for node in NODES for _ in range(repeats)]:
            agent.set_in_motion()
            time.sleep(random.uniform(0.3, 0.6))
            rig.signal(node, signal.SIGSTOP)
            time.sleep(random.uniform(SHORTEST, LONGEST))
            resumed = rig.signal(node, signal.SIGCONT)
            time.sleep(SETTLED)
            if listener.guard is not None and listener.guard.state == GuardState.FAULT:
                listener.reset_fault()  # the machine made the halt longer
                continue
            leaps.append(_leap(listener, resumed if node == NODES[0] else _first_state(listener, resumed)))
            rig.require_all()
    if not leaps:
        raise RuntimeError("every halt became longer than the watchdog")
    return leaps, max(limits.acceleration) / rig.config.robot.state_rate + SLACK


def _first_state(listener: ArmListener, resumed: float) -> float:
    """Returns when the first joint state came after a halt of the robot's side."""
    return next(heard.time for heard in listener.received_velocities() if heard.time > resumed)


def _leap(listener: ArmListener, since: float) -> float:
    """Returns how much faster the first command after `since` is than the arm was just before it, rad/s."""
    command = next(heard for heard in listener.received_commands() if heard.time > since)
    state = [heard for heard in listener.received_velocities() if heard.time < command.time][-1]
    return float(np.abs(command.values).max() - np.abs(state.values).max())


def _leaping(campaign: Campaign, random: Random) -> str:
    leaps, allowed = _leaps(campaign, random, 2, "without_resumption")
    return f"{max(leaps):.3f} rad/s faster than the arm" if max(leaps) > allowed else ""
