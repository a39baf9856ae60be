"""From the core's figures to the agent's messages."""

from async_rl_core.agent.command_gaps import CommandGap
from async_rl_core.agent.loop import AgentLoop, EpisodeResult, Phase
from async_rl_core.agent.outbox import Outbox
from async_rl_core.agent.timing import Timing
from async_rl_interfaces.msg import Episode
from async_rl_interfaces.msg import Timing as TimingMessage
from async_rl_ros.diagnostics import Health, Level
from async_rl_ros.histograms import histogram_message


def episode_message(result: EpisodeResult, timing: Timing, updates: int) -> Episode:
    """A finished episode; takes the episode's share of the timing."""
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
    """Deadlines and latencies so far, `elapsed` seconds after the agent began to act."""
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
    """What the arm rests for, or a reset lasts for; empty where nothing is waited for."""
    if loop.phase is Phase.WAITING:
        return waits_for or "its first cycle"
    if loop.waits_for_policy:
        return "learner_node's first policy"
    return "visual_target_node to place the target" if loop.waits_for_target else ""


def departure(loop: AgentLoop, refused: int, waits_for: str) -> str:
    """Why an episode was just left: a step was refused, where more than `refused` were, or the arm waits."""
    number = loop.ended + 1
    if loop.refused > refused:
        return f"{loop.refusal}; the step is not stored, episode {number} is left and begins again"
    return f"the arm rests, episode {number} is left, waiting for {waits_for}"


def health(waiting_for: str, trouble: str, timing: Timing, outbox: Outbox, aborted: int) -> Health:
    """The agent's health for /diagnostics; `waiting_for` says why the arm rests, `trouble` what learning lacks."""
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
