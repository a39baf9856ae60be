"""Promise 1: the agent is killed or halted at a random moment, and the arm comes to rest."""

import signal
import time
from dataclasses import dataclass, field
from random import Random

import numpy as np

from async_rl_interfaces.msg import GuardState
from faults.arm_listener import ArmListener
from faults.campaign import Campaign, mutation, run_config, some_moment
from faults.node_rig import NodeRig
from faults.report import Row
from faults.stop_time_figure import draw

REQUIRED = 0.120
"""Seconds from the signal to the first zero command."""
AFTERWARDS = 0.3
"""Seconds after SIGCONT in which the agent must not move the arm."""


@dataclass
class Stops:
    """Per repeat: ms from the signal to a zero command and to rest, and the fastest joint at the signal, rad/s."""

    zeros: list[float] = field(default_factory=list)
    rests: list[float] = field(default_factory=list)
    speeds: list[float] = field(default_factory=list)
    late: int = 0
    """Number of times the arm moved again by itself."""
    unasked: int = 0
    """Number of stops before the signal, for example after a halt of the machine."""

    def __str__(self) -> str:
        return (
            f"zero on the wire after at most {max(self.zeros):.0f} ms (median {np.median(self.zeros):.0f}), arm at "
            f"rest after at most {max(self.rests):.0f} ms (median {np.median(self.rests):.0f}), from up to "
            f"{max(self.speeds):.2f} rad/s (median {np.median(self.speeds):.2f}); moved again before a person's word: "
            f"{self.late}; stopped before a signal: {self.unasked}"
        )


def kill(campaign: Campaign, random: Random) -> list[Row]:
    """Measures SIGKILL: a new agent needs a new arming."""
    return [_measure(campaign, random, signal.SIGKILL, "the agent is killed (SIGKILL) at a random moment")]


def halt(campaign: Campaign, random: Random) -> list[Row]:
    """Measures SIGSTOP and SIGCONT: late commands of the agent must not move the arm."""
    return [
        _measure(
            campaign, random, signal.SIGSTOP, "the agent is halted (SIGSTOP) at a random moment, and goes on later"
        )
    ]


def _measure(campaign: Campaign, random: Random, number: signal.Signals, promise: str) -> Row:
    repeats = campaign.repeats(short=3, long=100)
    stops = _stops(campaign, random, number, repeats)
    if campaign.long:
        draw(campaign.folder / f"{number.name.lower()}_agent.png", promise, stops.zeros, stops.rests, REQUIRED)
    met = max(stops.zeros) <= 1e3 * REQUIRED and stops.late == 0
    mutations = mutation(campaign, "guard's watchdog", lambda: _unwatched(campaign, random))
    return Row(1, promise, "zero on the wire within 120 ms, every time", str(stops), repeats, met, mutations)


def _stops(
    campaign: Campaign, random: Random, number: signal.Signals, repeats: int, mutant: str | None = None
) -> Stops:
    config = run_config(campaign, "agent_death")
    stops = Stops()
    mutants = {"safety_guard_node": mutant} if mutant else {}
    with NodeRig(config, campaign.domain, mutants=mutants) as rig, ArmListener(config, campaign.domain) as listener:
        while len(stops.zeros) < repeats:
            listener.await_state(GuardState.ARMED)
            time.sleep(some_moment(config, random))
            if not listener.moves_or_stopped():
                stops.unasked += 1
                listener.reset_fault()
                continue
            stops.speeds.append(listener.speed())
            sent = rig.signal("rl_agent_node", number)
            stops.zeros.append(1e3 * (listener.first_zero(sent) - sent))
            stops.rests.append(1e3 * (listener.first_rest(sent) - sent))
            stopped = time.monotonic()
            _revive(rig, number)
            listener.await_state(GuardState.FAULT)
            time.sleep(AFTERWARDS)
            stops.late += listener.moved(stopped)
            listener.reset_fault()
            rig.require_all()
    return stops


def _revive(rig: NodeRig, number: signal.Signals) -> None:
    if number is signal.SIGSTOP:
        rig.signal("rl_agent_node", signal.SIGCONT)
    else:
        rig.restart("rl_agent_node")


def _unwatched(campaign: Campaign, random: Random) -> str:
    [zero] = _stops(campaign, random, signal.SIGSTOP, 1, "without_guard_watchdog").zeros
    return f"zero after {zero:.0f} ms" if zero > 1e3 * REQUIRED else ""
