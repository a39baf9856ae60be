"""One gradient update, from a uint8 mini-batch in the host's memory to changed parameters, on all cores or a GPU."""

from collections.abc import Callable

import numpy as np
import torch

from async_rl_core.algorithms.common.compute import keep_freed_memory, use_threads
from async_rl_core.algorithms.registry import make_algorithm
from async_rl_core.algorithms.sac.config import SACConfig
from benchmarks.cases import Case, sampled_batch
from benchmarks.reference import ReferenceSAC, StackedReplay
from benchmarks.timing import Times, measure


def until_done(call: Callable[[], object], device: str) -> Callable[[], object]:
    """The call and what it gave the device to do."""
    wait = torch.get_device_module(device).synchronize

    def inner() -> None:
        call()
        wait()

    return inner


def ours(case: Case, precision: str, threads: int, repeats: int, device: str = "cpu") -> Times:
    """An update of SAC: upload and cast of the images are part of it."""
    keep_freed_memory()
    use_threads(threads)
    config = case.config(learning__precision=precision)
    sac = make_algorithm(config, device)
    batch = sampled_batch(config)
    both = SACConfig.from_config(config).actor_update_frequency
    update = until_done(lambda: sac.update(batch, report=False), device)
    return measure(update, repeats, warm_up=2 * both, per_round=both)


def reference(case: Case, threads: int, repeats: int, tuned: bool, device: str = "cpu") -> Times:
    """The reference's update, from its own float32 mini-batch: there the cast is part of sampling."""
    if tuned:
        keep_freed_memory()
    torch.set_num_threads(threads)
    spec, actions, rng = case.spec, len(case.config().robot.actuated_joints), np.random.default_rng(0)
    image = spec.require_image()
    replay = StackedReplay(100, image.channels, case.height, case.width, spec.state_size, actions)
    replay.fill(rng)
    batch = replay.sample(case.batch, image.height, image.width, rng)
    sac = ReferenceSAC(
        image.channels,
        image.height,
        image.width,
        spec.state_size,
        actions,
        device,
    )
    return measure(until_done(lambda: sac.update(batch), device), repeats, warm_up=2, per_round=2)
