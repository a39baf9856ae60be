"""The learner's progress as a message."""

from types import SimpleNamespace
from typing import cast

from async_rl_core.algorithms.sac.sac import SAC
from async_rl_core.learning.learner import BatchSource, Learner, ParameterSink
from async_rl_ros.learner_state import learner_state_message


def test_progress_metrics_and_component_times() -> None:
    sac, nobody = cast(SAC, SimpleNamespace(updates=7)), SimpleNamespace()
    learner = Learner(sac, cast(BatchSource, nobody), cast(ParameterSink, nobody), publish_period=1, metrics_period=1)
    learner.env_steps = 300
    learner.metrics = {"alpha": 0.5}
    learner.updating.add(52.0)
    message = learner_state_message(learner)
    assert (message.updates, message.env_steps) == (7, 300)
    assert (list(message.metric), list(message.value)) == (["alpha"], [0.5])
    times = {histogram.name: histogram.p50 for histogram in message.histogram}
    assert times == {"sample": 0.0, "transfer": 0.0, "update": 52.0, "publish": 0.0, "update_cycle": 0.0}
