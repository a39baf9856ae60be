"""A policy's way from the learner to the agent: from the end of an update until the agent could act with it."""

import os
import time
from multiprocessing.connection import Connection

import numpy as np
import torch
from torch import nn

from async_rl_core.algorithms.registry import make_algorithm, make_policy
from async_rl_core.transport.shared_memory.parameters import ParameterPublisher, ParameterSubscriber
from async_rl_core.transport.shared_memory.service import Endpoint
from benchmarks import limits
from benchmarks.cases import Case
from benchmarks.reference import ReferenceSAC
from benchmarks.timing import CONTEXT, Times, isolated, summarise

WARM_UP = 10
_PATIENCE = 30.0
_PAUSE = 0.01
"""Seconds between publications: shorter than an update, long enough for the agent to be back."""


def _take(case: Case, domain: str, count: int, pipe: Connection) -> None:
    """The agent, which looks all the time here: its cycle is not part of the figure. Sends when it was done, in ns."""
    config = case.config()
    policy = make_policy(config)
    endpoint = Endpoint(domain, "agent")
    subscriber = ParameterSubscriber(endpoint, policy.size)
    pipe.recv()
    for _ in range(count):
        patience = time.monotonic() + _PATIENCE
        while (newest := subscriber.newest()) is None:
            if time.monotonic() > patience:
                raise TimeoutError(f"no policy within {_PATIENCE:.0f} s")
        policy.load(newest.values)
        pipe.send(time.monotonic_ns())
    endpoint.close()


def _publish(case: Case, domain: str, count: int, pipe: Connection) -> tuple[Times, Times]:
    """The learner. Times of the whole way, and of this process's part of it."""
    torch.set_num_threads(1)
    config = case.config()
    endpoint = Endpoint(domain, "learner")
    algorithm = make_algorithm(config, "cpu")
    publisher = ParameterPublisher(endpoint, algorithm.policy_size)
    pipe.send("start")
    whole, here = [], []
    for version in range(1, count + 1):
        time.sleep(_PAUSE)
        start = time.monotonic_ns()
        publisher.publish(version, version, algorithm.policy_parameters())
        here.append(1e-9 * (time.monotonic_ns() - start))
        whole.append(1e-9 * (pipe.recv() - start))
    endpoint.close()
    return summarise(whole[WARM_UP:]), summarise(here[WARM_UP:])


def ours(case: Case, repeats: int) -> tuple[Times, Times]:
    """From the update's end to the agent's policy, and the learner's part of it: a check, a copy, a checksum."""
    agent_end, learner_end = CONTEXT.Pipe()
    domain, count = f"bench{os.getpid()}", WARM_UP + repeats
    agent = CONTEXT.Process(target=_take, args=(case, domain, count, agent_end))
    agent.start()
    agent_end.close()  # the agent's copy is the last one: a learner that waits for an agent that failed sees the end
    try:
        return isolated(_publish, case, domain, count, learner_end)
    finally:
        learner_end.close()  # an agent that waits for a learner that failed sees the end
        agent.join()


def _reference_policy(case: Case) -> nn.Module:
    spec, actions = case.spec, len(case.config().robot.actuated_joints)
    image = spec.require_image()
    sac = ReferenceSAC(image.channels, image.height, image.width, spec.state_size, actions)
    return nn.ModuleList([sac.encoder, sac.actor])


def _take_reference(case: Case, count: int, pipe: Connection) -> None:
    """The reference's agent."""
    policy = _reference_policy(case)
    for _ in range(count):
        state = pipe.recv()
        policy.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})
        pipe.send(time.monotonic_ns())


def _publish_reference(case: Case, count: int, pipe: Connection) -> Times:
    """The reference's learner."""
    policy = _reference_policy(case)
    seconds = []
    for _ in range(count):
        time.sleep(_PAUSE)
        start = time.monotonic_ns()
        pipe.send({name: tensor.numpy() for name, tensor in policy.state_dict().items()})
        seconds.append(1e-9 * (pipe.recv() - start))
    return summarise(seconds[WARM_UP:])


def reference(case: Case, repeats: int) -> Times:
    """The same way for the reference's policy: a state dict of arrays, pickled through a pipe."""
    agent_end, learner_end = CONTEXT.Pipe()
    count = WARM_UP + repeats
    agent = CONTEXT.Process(target=_take_reference, args=(case, count, agent_end))
    agent.start()
    agent_end.close()  # as above
    try:
        return isolated(_publish_reference, case, count, learner_end)
    finally:
        learner_end.close()  # an agent that waits for a learner that failed sees the end
        agent.join()


def limit(case: Case, repeats: int) -> float:
    """See `limits.publication`."""
    config = case.config()
    policy = make_policy(config)
    return limits.publication(np.zeros(policy.size, np.float32), repeats).median
