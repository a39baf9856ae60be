"""Device, threads and memory of torch in this process."""

import ctypes
import os

import torch

from async_rl_core.errors import ConfigError

M_TRIM_THRESHOLD = -1
M_MMAP_MAX = -4


def use_threads(count: int) -> int:
    """Makes torch compute with `count` threads, or if 0 with all cores of this process but one; returns the number.

    The threads of an operation wait for the slowest. With a thread on every core, each interruption by the real-time
    loop delays all of them, and an update of the default preset takes several times longer than on a single thread.
    """
    count = count or max(1, len(os.sched_getaffinity(0)) - 1)
    torch.set_num_threads(count)
    return count


def keep_freed_memory() -> bool:
    """Keeps the blocks that torch frees for the next update, instead of returning them to the kernel.

    By default glibc maps every large block again, and more than half of an update on the CPU is page faults. Returns
    False, and changes nothing, if the C library is not glibc.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, -1))


def choose_device(wanted: str) -> str:
    """Returns torch's name of a device. Raises `ConfigError` if `wanted` is a GPU and there is none."""
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            "learner.device is cuda, but torch finds no CUDA device; use auto or cpu, or install torch for CUDA"
        )
    return wanted
