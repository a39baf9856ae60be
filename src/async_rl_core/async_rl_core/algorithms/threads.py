"""How much of the machine torch takes in this process."""

import ctypes
import os

import torch

M_TRIM_THRESHOLD = -1
M_MMAP_MAX = -4


def use_threads(count: int) -> int:
    """Compute with `count` threads, or one per core that this process may run on where it is 0; return how many."""
    count = count or len(os.sched_getaffinity(0))
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
