"""One observation in, one action out, as the agent does it: in one thread, which the learner's cannot delay."""

import numpy as np
import torch

from async_rl_core.algorithms.common.threads import keep_freed_memory
from async_rl_core.policies.gaussian import GaussianPolicy
from benchmarks.cases import Case
from benchmarks.reference import ReferenceSAC
from benchmarks.timing import Times, measure

WARM_UP = 50
THREADS = 1
"""As in a run: `GaussianPolicy` sets it."""


def ours(case: Case, precision: str, repeats: int) -> Times:
    """`GaussianPolicy.act`."""
    config, spec = case.config(sac__precision=precision), case.spec
    policy = GaussianPolicy(config.sac, spec, len(config.robot.actuated_joints), seed=0, threads=THREADS)
    image = np.random.default_rng(0).integers(0, 256, (spec.height, spec.width, spec.channels), np.uint8)
    proprioception = np.zeros(spec.proprioception, np.float32)
    return measure(lambda: policy.act(image, proprioception), repeats, WARM_UP)


def reference(case: Case, threads: int, repeats: int, tuned: bool) -> Times:
    """`ReferenceSAC.act`, with PyTorch's own choice of threads."""
    if tuned:
        keep_freed_memory()
    torch.set_num_threads(threads)
    spec, actions = case.spec, len(case.config().robot.actuated_joints)
    sac = ReferenceSAC(spec.channels, spec.height, spec.width, spec.proprioception, actions)
    image = np.random.default_rng(0).integers(0, 256, (spec.channels, spec.height, spec.width), np.uint8)
    proprioception = np.zeros(spec.proprioception, np.float32)
    return measure(lambda: sac.act(image, proprioception), repeats, WARM_UP)
