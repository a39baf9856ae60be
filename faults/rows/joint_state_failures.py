"""Promise 19: the guard does not know where the arm is, and stops it."""

import math
import time
from collections.abc import Iterable
from random import Random

from async_rl_core.safety.limits.ramp import longest_stop
from async_rl_interfaces.msg import GuardState
from faults.arm_listener import ArmListener, PromiseTimeoutError
from faults.campaign import Campaign, mutation
from faults.fake_agent import guard_with_fake_agent
from faults.mutants import JOINT_STATES
from faults.node_rig import NodeRig
from faults.report import Row

ROBOT = "robot_sim_node"
CAUSES = {
    "stop": "silent",
    "repeat": "repeats its stamp",
    "stand still": "unchanged at",
    "jump": "jump",
    "lose a joint": "lacks",
    "are no numbers": "is not finite",
}
"""Word that the guard's cause must contain, by failure of the joint states."""
CYCLES = 2
"""Robot cycles: one until the guard notices, one until its command is sent."""


def failing(campaign: Campaign, random: Random) -> list[Row]:
    """Measures each failure of joint states in motion: zero is sent, and a fault names the failure."""
    repeats = campaign.repeats(short=1, long=20)
    times, unnamed, required = _measured(campaign, random, repeats, CAUSES)
    measured = ", ".join(f"{what} {max(found, default=math.inf):.0f} ms" for what, found in times.items())
    latest = max(max(found, default=math.inf) for found in times.values())
    mutations = mutation(campaign, "distrust of joint states", lambda: _unnoticed(campaign, random))
    return [
        Row(
            19,
            "joint states stop, repeat, stand still, jump, lose a joint or are no numbers, in motion",
            f"zero on the wire within {required:.0f} ms: as late as they may be, and a stop from the highest speed; "
            "a fault with its cause, in the terminal too",
            f"zero on the wire after at most: {measured}; {unnamed} without the cause",
            repeats * len(CAUSES),
            latest <= required and unnamed == 0,
            mutations,
        )
    ]


def _measured(
    campaign: Campaign, random: Random, repeats: int, kinds: Iterable[str], mutant: str | None = None
) -> tuple[dict[str, list[float]], int, float]:
    """Returns ms to zero by kind, the number of faults without the cause, and the allowed ms."""
    times: dict[str, list[float]] = {what: [] for what in kinds}
    unnamed = 0
    with guard_with_fake_agent(
        campaign, f"joint_states_{mutant or ''}", robot_sim_node="failing_joint_states", safety_guard_node=mutant
    ) as (rig, listener, agent):
        config = rig.config
        for what in [what for what in times for _ in range(repeats)]:
            agent.set_in_motion()
            time.sleep(random.uniform(0.0, 0.5))
            listener.await_motion()
            failed = rig.signal(ROBOT, JOINT_STATES[what])
            try:
                times[what].append(1e3 * (listener.first_zero(failed) - failed))
                listener.await_state(GuardState.FAULT)
                unnamed += not _named(what, listener, rig)
            except PromiseTimeoutError:
                times[what].append(math.inf)
            agent.stop_commands()
            rig.signal(ROBOT, JOINT_STATES["work"])
            listener.reset_fault()
            rig.require_all()
    allowed = config.guard.state_timeout + longest_stop(config.robot) + CYCLES / config.robot.state_rate
    return times, unnamed, 1e3 * allowed


def _named(what: str, listener: ArmListener, rig: NodeRig) -> bool:
    """Returns whether the guard names the failure in its state and in the terminal."""
    cause = listener.guard.cause if listener.guard is not None else ""
    return CAUSES[what] in cause and cause in rig.log("safety_guard_node")


def _unnoticed(campaign: Campaign, random: Random) -> str:
    """Measures a guard without checks of joint states."""
    times, _, required = _measured(campaign, random, 1, ("stop", "jump"), "without_joint_state_checks")
    late = [what for what, found in times.items() if max(found) > required]
    return f"goes on where they {' or '.join(late)}" if late else ""
