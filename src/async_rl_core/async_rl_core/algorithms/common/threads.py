"""How much of the machine torch takes in this process."""

import ctypes
import os

import torch

M_TRIM_THRESHOLD = -1
M_MMAP_MAX = -4


def use_threads(count: int) -> int:
    """Compute with `count` threads, or all cores of this process but one where it is 0; return how many.

    The threads of an operation wait for the slowest. With one on every core each interruption by the real-time loop
    holds up all of them, and an update of the default preset takes several times longer than on a single thread.
    """
    count = count or max(1, len(os.sched_getaffinity(0)) - 1)
    torch.set_num_threads(count)
    return count


def keep_freed_memory() -> bool:
    """Keep the blocks that torch frees for the next update, instead of handing them to the kernel and back.

    By default glibc maps every large block anew, and more than half of an update on the CPU is page faults. Returns
    False, and changes nothing, where the C library is not glibc.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, -1))
