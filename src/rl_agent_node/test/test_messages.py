"""Conversions of the agent's figures."""

import numpy as np

from async_rl_core.agent.outbox import Outbox
from async_rl_core.agent.step_recorder import EpisodeResult
from async_rl_core.agent.timing import Timing
from async_rl_core.spec.step import SINGLE_ACTOR, Step
from async_rl_ros.diagnostics import Level
from rl_agent_node.messages import episode_message, health, timing_message


def timing() -> Timing:
    timing = Timing()
    for lateness in (0.001, 0.002, 0.003):
        timing.cycle(lateness, missed=0, inference=0.0005)
    timing.cycle(0.05, missed=1, inference=0.0005)
    timing.image(age=0.004, latency=0.005)
    return timing


def outbox(waiting: int) -> Outbox:
    box = Outbox(lambda _: False)
    nothing = np.zeros(0, np.float32)
    for i in range(waiting):
        box.put(Step(SINGLE_ACTOR, i, 1, i, np.zeros((0, 1, 1, 3), np.uint8), nothing, nothing, 0.0, terminal=False))
    return box


def test_messages_episode_takes_its_share_of_the_timing() -> None:
    measured = timing()
    message = episode_message(EpisodeResult(7, True, 700, 12.5, 0.25, False), measured, updates=3)
    assert (message.episode, message.random, message.env_steps) == (7, True, 700)
    assert (message.episode_return, message.target_term, message.policy_updates) == (12.5, 0.25, 3)
    assert (message.missed_cycles, measured.missed_cycles) == (1, 1)
    assert 3.0 < message.lateness_p99_ms <= 50.0
    assert episode_message(EpisodeResult(8, True, 800, 0.0, 0.0, False), measured, updates=3).missed_cycles == 0


def test_messages_timing() -> None:
    message = timing_message(timing(), outbox(2), elapsed=3.5)
    assert message.elapsed == 3.5
    assert (message.cycles, message.missed_cycles, message.steps_waiting) == (4, 1, 2)
    lateness = next(h for h in message.histogram if h.name == "lateness")
    assert sum(lateness.count) == 4
    assert len(lateness.count) == len(lateness.edge) + 1
    assert lateness.max == 50.0


def test_messages_health_says_what_the_agent_waits_for() -> None:
    assert health("", "", timing(), outbox(0), aborted=0).level is Level.OK
    waiting = health("image_raw", "the disk is full", timing(), outbox(0), aborted=0)
    assert waiting.level is Level.WARN
    assert "image_raw" in waiting.message
    assert "disk is full" in health("", "the disk is full", timing(), outbox(0), aborted=0).message
