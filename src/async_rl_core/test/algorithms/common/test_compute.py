import os
import subprocess
import sys

import torch

from async_rl_core.algorithms.common.compute import use_threads

MEASURE = """
import resource, torch
from async_rl_core.algorithms.common.compute import keep_freed_memory
assert keep_freed_memory()
def use():
    for _ in range(20):
        torch.ones(8_000_000)
use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_use_threads_sets_the_given_number() -> None:
    assert use_threads(1) == torch.get_num_threads() == 1


def test_use_threads_of_0_leaves_one_core_free() -> None:
    assert use_threads(0) == torch.get_num_threads() == max(1, len(os.sched_getaffinity(0)) - 1)


def test_keep_freed_memory_reuses_freed_blocks() -> None:
    """In a process of its own, since it cannot be undone: 20 blocks of 32 MB without mapping a page anew."""
    done = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1000
