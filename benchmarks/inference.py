"""One observation in, one action out, as the agent does it: in one thread, which the learner's cannot delay."""

import numpy as np
import torch

from async_rl_core.algorithms.common.compute import keep_freed_memory
from async_rl_core.algorithms.registry import make_policy
from benchmarks.cases import Case
from benchmarks.reference import ReferenceSAC
from benchmarks.timing import Times, measure

WARM_UP = 50
THREADS = 1
"""As in a run: `GaussianPolicy` sets it."""


def ours(case: Case, precision: str, repeats: int) -> Times:
    """`GaussianPolicy.act`."""
    config, spec = case.config(learning__precision=precision), case.spec
    policy = make_policy(config, THREADS)
    image = np.random.default_rng(0).integers(0, 256, spec.image_shape, np.uint8)
    state = np.zeros(spec.state_size, np.float32)
    return measure(lambda: policy.act(image, state), repeats, WARM_UP)


def reference(case: Case, threads: int, repeats: int, tuned: bool) -> Times:
    """`ReferenceSAC.act`, with PyTorch's own choice of threads."""
    if tuned:
        keep_freed_memory()
    torch.set_num_threads(threads)
    spec, actions = case.spec, len(case.config().robot.actuated_joints)
    height, width, channels = spec.image_shape
    sac = ReferenceSAC(channels, height, width, spec.state_size, actions)
    image = np.random.default_rng(0).integers(0, 256, (channels, height, width), np.uint8)
    state = np.zeros(spec.state_size, np.float32)
    return measure(lambda: sac.act(image, state), repeats, WARM_UP)
