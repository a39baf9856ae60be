"""Promise 18: camera or target fail; the arm rests and steps of that time are not stored."""

import signal
import time
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np

from async_rl_core.agent.camera_health import BLACK, TIMEOUT
from async_rl_core.agent.loop import FRAME_TIMEOUT
from async_rl_core.replay.journal.journal import read_steps
from async_rl_core.run_folder.run_folder import RunFolder
from async_rl_interfaces.msg import GuardState
from faults.campaign import Campaign, mutation, run_config
from faults.mutants import CAMERA
from faults.node_rig import NodeRig
from faults.report import Row
from faults.run_listener import RunListener

AGENT, CAMERA_NODE, TARGET = "rl_agent_node", "robot_sim_node", "visual_target_node"
SLACK = 0.3
"""Seconds beyond the stated time: an action cycle, the guard's stop, and the time to move by `MOTION`."""
STILL = 1.0
"""Seconds between a reset and the next episode, in which the arm rests and images may repeat."""
CAMERA_TIMES = {
    "stops": FRAME_TIMEOUT,
    "freezes": TIMEOUT + STILL,
    "goes black": TIMEOUT,
    "changes size": FRAME_TIMEOUT,
}
TARGET_TIME = 4.5
"""Seconds until a missing target is reported: its timeout, or a reset, and a period of /diagnostics."""
NOTICED = 20.0
UNSEEN = 0.2
"""Maximum seconds between new images in stored steps."""


def failing(campaign: Campaign, random: Random) -> list[Row]:
    """Measures each failure of the camera, and death and halt of the target's node, at random moments.

    With a failing camera the arm stops; without a target it returns to its start pose and waits.
    """
    repeats = campaign.repeats(short=1, long=20)
    times, unseen, left = _measured(campaign, random, repeats)
    measured = ", ".join(f"{what} {max(found):.2f} s" for what, found in times.items())
    measured += f"; stored steps up to {unseen:.2f} s apart from a new image; episodes left and counted: {left}"
    required = f"within {SLACK} s of the times stated below; stored steps have images that are new"
    met = unseen <= UNSEEN and left > 0 and all(max(found) <= _allowed(what) for what, found in times.items())
    mutations = (
        *mutation(campaign, "distrust of images", lambda: _unnoticed(campaign, random)),
        *mutation(campaign, "leaving out what nobody confirmed", lambda: _kept(campaign, random)),
    )
    promise = "the camera fails (at rest after at most), or the target (noticed after at most)"
    return [Row(18, promise, required, measured, repeats * len(times), met, mutations)]


def _allowed(what: str) -> float:
    return CAMERA_TIMES.get(what, TARGET_TIME) + SLACK


def _measured(
    campaign: Campaign, random: Random, repeats: int, mutant: str | None = None
) -> tuple[dict[str, list[float]], float, int]:
    """Returns seconds to rest by fault, the longest time between new images in stored steps, and abandoned episodes."""
    config = run_config(campaign, f"senses_{mutant or ''}")
    mutants = {CAMERA_NODE: "failing_camera"} | ({AGENT: mutant} if mutant else {})
    times: dict[str, list[float]] = {}
    with NodeRig(config, campaign.domain, mutants=mutants) as rig, RunListener(config, campaign.domain) as listener:
        listener.await_state(GuardState.ARMED)
        for _ in range(repeats):
            for what in CAMERA_TIMES:
                failed = _in_motion(rig, listener, random, CAMERA_NODE, CAMERA[what])
                _await_word(listener, "waiting for images")
                times.setdefault(what, []).append(listener.first_zero(failed) - failed)
                rig.signal(CAMERA_NODE, CAMERA["works"])
            for number, what in ((signal.SIGKILL, "target killed"), (signal.SIGSTOP, "target halted")):
                failed = _in_motion(rig, listener, random, TARGET, number)
                _await_word(listener, "waiting for visual_target_node")
                times.setdefault(what, []).append(time.monotonic() - failed)
                rig.signal(TARGET, signal.SIGCONT) if number is signal.SIGSTOP else rig.restart(TARGET)
            rig.require_all()
        listener.await_motion()
        left = int(listener.diagnostic_value(AGENT, "aborted episodes"))
        cycle = config.agent.action_cycle_time
    return times, cycle * _longest_unseen(rig.run_dir), left


def _in_motion(rig: NodeRig, listener: RunListener, random: Random, node: str, number: int) -> float:
    """Sends a signal while the arm moves; returns the steady time."""
    listener.await_motion()
    time.sleep(random.uniform(0.0, 3.0))
    listener.await_motion()
    listener.clear()
    return rig.signal(node, number)


def _await_word(listener: RunListener, word: str) -> None:
    """Waits until the agent reports that it waits for `what`."""
    listener.expect(lambda: listener.health.get(AGENT, ("", {}))[0].startswith(word), NOTICED, f"an agent {word}")


def _longest_unseen(run_dir: Path) -> int:
    """Returns the maximum number of consecutive steps of an episode without a new image."""
    longest = row = 0
    last = np.empty(0)
    for before, step in pairwise(read_steps(RunFolder(run_dir).journal)):
        last = before.frames[-1] if len(before.frames) else last
        new = [frame for frame in step.frames if frame.mean() > BLACK and not np.array_equal(frame, last)]
        row = 0 if new or step.index == 0 else row + 1
        longest = max(longest, row)
    return longest


def _unnoticed(campaign: Campaign, random: Random) -> str:
    """Measures an agent without image checks."""
    times, _, _ = _measured(campaign, random, 1, "without_image_checks")
    late = [what for what, found in times.items() if max(found) > _allowed(what)]
    return f"late: {', '.join(late)}" if late else ""


def _kept(campaign: Campaign, random: Random) -> str:
    """Measures an agent without step confirmation."""
    _, unseen, _ = _measured(campaign, random, 1, "without_step_confirmation")
    return f"steps {unseen:.2f} s apart from a new image" if unseen > UNSEEN else ""
