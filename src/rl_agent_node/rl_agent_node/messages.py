"""Conversions between the core's values and the agent's messages."""

import numpy as np
from numpy.typing import NDArray

from async_rl_core.agent.command_gaps import CommandGap
from async_rl_core.agent.episode_state_machine import Phase
from async_rl_core.agent.liveness import GuardReport
from async_rl_core.agent.loop import AgentLoop
from async_rl_core.agent.outbox import Outbox
from async_rl_core.agent.step_recorder import EpisodeResult
from async_rl_core.agent.timing import Timing
from async_rl_interfaces.msg import Episode, GuardState, TaskState
from async_rl_interfaces.msg import Timing as TimingMessage
from async_rl_ros.diagnostics import Health, Level
from async_rl_ros.messages import histogram_message

AGENT_SILENT = "agent_silent"
"""Kind of a fault, as in the message GuardState."""


def guard_report(message: GuardState) -> GuardReport:
    """Returns the part of the guard's state that concerns the agent."""
    return GuardReport(
        armed=message.state == GuardState.ARMED,
        faulted=message.state == GuardState.FAULT,
        faults=sum(message.fault_count),
        silence=message.last_silence if message.last_kind == AGENT_SILENT else 0.0,
    )


def task_values(message: TaskState) -> dict[str, NDArray[np.float64]]:
    """Returns the values of each part by its name. Raises `ValueError` where names, sizes and values do not fit."""
    if len(message.part) != len(message.size) or sum(message.size) != len(message.value):
        raise ValueError(f"{len(message.part)} parts of sizes {list(message.size)} with {len(message.value)} values")
    if not message.part:
        return {}
    values = np.array(message.value, np.float64)
    return dict(zip(message.part, np.split(values, np.cumsum(message.size)[:-1]), strict=True))


def episode_message(result: EpisodeResult, timing: Timing, updates: int) -> Episode:
    """Returns the message of an episode that ended; takes the episode's share of the timing."""
    p99, missed = timing.end_episode()
    return Episode(
        episode=result.episode,
        random=result.random,
        env_steps=result.env_steps,
        episode_return=result.episode_return,
        target_term=result.target_term,
        lateness_p99_ms=p99,
        missed_cycles=missed,
        policy_updates=updates,
    )


def timing_message(
    timing: Timing, outbox: Outbox, longest: CommandGap | None = None, elapsed: float = 0.0
) -> TimingMessage:
    """Returns the deadlines and latencies so far, `elapsed` seconds after the agent began to act."""
    return TimingMessage(
        elapsed=elapsed,
        cycles=timing.cycles,
        missed_cycles=timing.missed_cycles,
        stale_images=timing.stale_images,
        steps_sent=outbox.sent,
        steps_waiting=len(outbox),
        histogram=[histogram_message(histogram) for histogram in timing.histograms],
        longest_gap=longest.seconds if longest else 0.0,
        longest_gap_made_of=str(longest) if longest else "",
    )


def waiting_for(loop: AgentLoop, waits_for: str) -> str:
    """Returns what the arm or a reset waits for; empty where nothing."""
    if loop.phase is Phase.WAITING:
        return waits_for or "its first cycle"
    if loop.waits_for_policy:
        return "learner_node's first policy"
    return "visual_target_node to place the target" if loop.episodes.waits_for_target else ""


def departure(loop: AgentLoop, refused: int, waits_for: str) -> str:
    """Returns why the episode was aborted: a refused step, if `loop.refused` exceeds `refused`, or the arm waits."""
    number = loop.recorder.ended + 1
    if loop.refused > refused:
        return f"{loop.refusal}; the step is not stored, episode {number} is left and begins again"
    return f"the arm rests, episode {number} is left, waiting for {waits_for}"


def health(waiting_for: str, trouble: str, timing: Timing, outbox: Outbox, aborted: int) -> Health:
    """Returns the agent's health for /diagnostics.

    `waiting_for` says why the arm rests, `trouble` what learning lacks.
    """
    level, message = Level.OK, "acting"
    if outbox.lost:
        level, message = Level.ERROR, f"{outbox.lost} steps lost: replay does not take them"
    elif waiting_for:
        level, message = Level.WARN, f"waiting for {waiting_for}"
    elif trouble:
        level, message = Level.WARN, trouble
    values: dict[str, object] = {
        "cycles": timing.cycles,
        "missed cycles": timing.missed_cycles,
        "stale images": timing.stale_images,
        "aborted episodes": aborted,
        "steps left out": outbox.withdrawn,
        "steps sent": outbox.sent,
        "steps waiting": len(outbox),
    }
    for histogram in timing.histograms:
        values[f"{histogram.name} p50 (ms)"] = f"{histogram.percentile(50):.2f}"
        values[f"{histogram.name} p99 (ms)"] = f"{histogram.percentile(99):.2f}"
    return Health(level, message, values)
