"""A learner's progress as the suite publishes it, from the learner's process or, with Seq-SAC, from the agent's."""

from typing import TYPE_CHECKING

from async_rl_interfaces.msg import LearnerState
from async_rl_ros.histograms import histogram_message

if TYPE_CHECKING:  # which an agent that does not learn itself need not wait for
    from async_rl_core.learning.learner import Learner

TOPIC = "learner_node/state"
"""Whoever learns."""


def learner_state_message(learner: "Learner") -> LearnerState:
    """Progress, the newest metrics and the component times so far; the header is left to the publisher."""
    return LearnerState(
        updates=learner.sac.updates,
        env_steps=learner.env_steps,
        metric=list(learner.metrics),
        value=list(learner.metrics.values()),
        histogram=[histogram_message(part) for part in learner.components],
    )
